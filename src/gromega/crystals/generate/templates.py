"""Templates of variants: crystals with the symmetry operations that spglib finds."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import spglib
from numpy.typing import NDArray

from gromega._util.files import new_path
from gromega._util.parallel import open_processes, ordered_map
from gromega.crystals import symmetry
from gromega.crystals.crystal import Crystal
from gromega.crystals.io import sites
from gromega.crystals.symmetry import operations

# The largest distance (Å) between an atom and the image of another one: coordinates are
# rounded, and spglib found the operation at a tolerance of 0.01 Å.
_SAME = 0.05
# A smaller displacement (Å) is rounding: the sites have no freedom.
_STILL = 1e-4
_CHUNK = 128


@dataclass(frozen=True, eq=False)
class Template:
    """A crystal with its symmetry, to make variants of."""

    crystal: Crystal
    rotations: NDArray[np.int8]  # in fractional coordinates, (n, 3, 3)
    # The atom that each operation maps onto each atom, (n, n_atoms). It is empty if
    # symmetry fixes all coordinates.
    origins: NDArray[np.int16]
    orbits: NDArray[np.int16]  # as the index of one of the atoms, (n_atoms,)

    def symmetrise(self, displacements: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return fractional displacements, (n_atoms, 3), averaged over operations."""
        moved: NDArray[np.float64] = np.einsum(
            "gij,gnj->ni", self.rotations, displacements[self.origins], optimize=True
        )
        return moved / len(self.rotations)


def template(crystal: Crystal) -> Template:
    """Return a crystal with its symmetry, or without any if spglib finds none."""
    fixed = np.empty((0, 0), np.int16)
    try:
        rotations, translations, found = operations(crystal)
    except ValueError:
        # Variants may still change the size and the elements.
        together = np.zeros(crystal.numbers.size, np.int16)
        return Template(crystal, np.empty((0, 3, 3), np.int8), fixed, together)
    orbits = found.astype(np.int16)
    origins = _origins(crystal, rotations, translations)
    made = Template(crystal, rotations.astype(np.int8), origins, orbits)
    trial = np.random.default_rng(0).standard_normal(crystal.frac.shape)
    if origins.size and np.abs(made.symmetrise(trial)).max() > _STILL:
        return made
    _, distinct = np.unique(rotations.reshape(-1, 9), axis=0, return_index=True)
    return Template(crystal, rotations[distinct].astype(np.int8), fixed, orbits)


def templates(crystals: Sequence[Crystal]) -> list[Template]:
    """Return the template of each crystal."""
    return [template(crystal) for crystal in crystals]


def _origins(
    crystal: Crystal, rotations: NDArray[np.int64], translations: NDArray[np.float64]
) -> NDArray[np.int16]:
    """Return the atom that each operation maps onto each atom, empty if ambiguous."""
    # It takes a third of a second to import: checks of a recipe do without it.
    from scipy.spatial import KDTree

    n = crystal.numbers.size
    frac = crystal.frac % 1.0
    moved = np.einsum("gij,nj->gni", rotations, frac) + translations[:, None]
    # % 1.0 of a tiny negative number is 1.0, which is outside the box.
    tree = KDTree(frac % 1.0 % 1.0, boxsize=1.0)
    _, images = tree.query(moved.reshape(-1, 3) % 1.0 % 1.0)
    images = images.reshape(-1, n)
    steps = frac[images] - moved
    steps -= np.round(steps)
    apart = np.linalg.norm(steps @ crystal.lattice, axis=2)
    kinds = crystal.nuclides + crystal.occupancy
    one_to_one = (np.sort(images, axis=1) == np.arange(n)).all()
    if not one_to_one or apart.max() > _SAME or (kinds[images] != kinds).any():
        return np.empty((0, 0), np.int16)
    return np.argsort(images, axis=1).astype(np.int16)


def write_templates(path: Path, made: Sequence[Template]) -> None:
    """Write the symmetry of crystals, without the crystals, to a NumPy archive."""
    with new_path(path) as partial, partial.open("wb") as file:
        np.savez(
            file,
            rotations=np.concatenate([t.rotations for t in made]),
            n_rotations=[len(t.rotations) for t in made],
            origins=np.concatenate([t.origins.ravel() for t in made]),
            n_origins=[len(t.origins) for t in made],
            orbits=np.concatenate([t.orbits for t in made]),
        )


def read_templates(path: Path, crystals: Sequence[Crystal]) -> list[Template]:
    """Read the symmetry of crystals that `write_templates` wrote."""
    with np.load(path) as data:
        rotations = np.split(data["rotations"], np.cumsum(data["n_rotations"])[:-1])
        counts = data["n_origins"]
        atoms = np.array([crystal.numbers.size for crystal in crystals])
        origins = np.split(data["origins"], np.cumsum(counts * atoms)[:-1])
        orbits = np.split(data["orbits"], np.cumsum(atoms)[:-1])
    return [
        Template(crystal, turns, images.reshape(n, -1 if n else 0), own)
        for crystal, turns, images, n, own in zip(
            crystals, rotations, origins, counts, orbits, strict=True
        )
    ]


def with_symmetry(
    crystals: Sequence[Crystal],
    folder: Path,
    progress: Callable[[int], None] | None = None,
) -> list[Template]:
    """Return the template of each crystal, from a cache in a folder where possible.

    The name of a file depends on the crystals, this code and the version of spglib.
    `progress` is called with the number of crystals finished since the last call.
    """
    digest = hashlib.sha256(spglib.__version__.encode())
    for code in (symmetry.__file__, sites.__file__, __file__):
        digest.update(Path(code).read_bytes())
    for x in crystals:
        for array in (x.lattice, x.frac, x.nuclides, x.occupancy):
            digest.update(array.tobytes())
    path = folder / f"symmetry-{digest.hexdigest()[:16]}.npz"
    if path.is_file():
        return read_templates(path, crystals)
    found: list[Template] = []
    chunks = [crystals[i : i + _CHUNK] for i in range(0, len(crystals), _CHUNK)]
    with open_processes() as pool:
        for part in ordered_map(pool, templates, chunks):
            found += part
            if progress:
                progress(len(part))
    write_templates(path, found)
    return found
