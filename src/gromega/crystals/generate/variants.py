"""Variants: other crystals of the same space group, made from a known one.

A space group survives a change of the elements as long as different ones stay
different, of the size, of the cell within its crystal system, and of the positions
along the freedom that their sites have. What random changes of this kind leave is what
the group is about.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import spglib
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.spatial import KDTree

from gromega._util.parallel import open_processes, ordered_map
from gromega._util.progress import progress_bar
from gromega.crystals import symmetry
from gromega.crystals.crystal import MAX_Z, Crystal
from gromega.crystals.generate.priors import load_priors
from gromega.crystals.io import sites
from gromega.crystals.symmetry import operations

# Of a pair of atoms that an operation maps onto one another, Å: coordinates are
# rounded, and spglib found the operation at a tolerance of 0.01 Å.
_SAME = 0.05
# A displacement below this, Å, is rounding: the sites have no freedom.
_STILL = 1e-4
_CHUNK = 128


@dataclass(frozen=True)
class Changes:
    """How far variants go from the crystal they are made of.

    Parameters
    ----------
    keep
        The share of variants that keep their elements. Of the others, half have all
        of them replaced, half each with a probability of one half.
    orbits
        The share of the others in which the orbits of an element are replaced as if
        they were elements of their own, so that the structure type may change.
    scale
        The standard deviation of the logarithm of the size.
    strain
        The standard deviation of the components of the strain, before it is made to
        agree with the crystal system.
    displacement
        The largest standard deviation of displacements along each axis, Å, before
        they are made to agree with the sites; variants have any up to this.
    uiso
        The largest extra Uiso of an element, Å²; in half of the variants each element
        has any up to this.
    other_radiation
        The share of variants that are seen by the other radiation: by neutrons, where
        the reference is x-rays.
    """

    keep: float = 0.5
    orbits: float = 0.0
    scale: float = 0.03
    strain: float = 0.015
    displacement: float = 0.08
    uiso: float = 0.003
    other_radiation: float = 0.1


@dataclass(frozen=True, eq=False)
class Template:
    """A crystal with its symmetry, to make variants of.

    Parameters
    ----------
    crystal
        The crystal.
    rotations
        The rotations R of its operations, (n, 3, 3), in fractional coordinates.
    origins
        For each operation and atom, the atom that is mapped onto it, (n, n_atoms);
        empty where all positions are fixed by symmetry.
    orbits
        The orbit of each atom, (n_atoms,): an atom that belongs to it.
    """

    crystal: Crystal
    rotations: NDArray[np.int8]
    origins: NDArray[np.int16]
    orbits: NDArray[np.int16]


def template(crystal: Crystal) -> Template:
    """Return a crystal with its symmetry; without any, if spglib finds none."""
    fixed = np.empty((0, 0), np.int16)
    try:
        rotations, translations, found = operations(crystal)
    except ValueError:
        # Alone the size may then change, and the elements.
        together = np.zeros(crystal.numbers.size, np.int16)
        return Template(crystal, np.empty((0, 3, 3), np.int8), fixed, together)
    orbits = found.astype(np.int16)
    origins = _origins(crystal, rotations, translations)
    made = Template(crystal, rotations.astype(np.int8), origins, orbits)
    trial = np.random.default_rng(0).standard_normal(crystal.frac.shape)
    if origins.size and np.abs(_agree(made, trial)).max() > _STILL:
        return made
    _, distinct = np.unique(rotations.reshape(-1, 9), axis=0, return_index=True)
    return Template(crystal, rotations[distinct].astype(np.int8), fixed, orbits)


def templates(crystals: Sequence[Crystal]) -> list[Template]:
    """Return crystals with their symmetry."""
    return [template(crystal) for crystal in crystals]


def _origins(
    crystal: Crystal, rotations: NDArray[np.int64], translations: NDArray[np.float64]
) -> NDArray[np.int16]:
    """Return which atom each operation maps onto each; nothing if that is unclear."""
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
    kinds = crystal.numbers + crystal.occupancy
    whole = (np.sort(images, axis=1) == np.arange(n)).all()
    if not whole or apart.max() > _SAME or (kinds[images] != kinds).any():
        return np.empty((0, 0), np.int16)
    return np.argsort(images, axis=1).astype(np.int16)


def _agree(source: Template, displacements: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return displacements, (n_atoms, 3) fractional, averaged over the operations."""
    moved: NDArray[np.float64] = np.einsum(
        "gij,gnj->ni", source.rotations, displacements[source.origins], optimize=True
    )
    return moved / len(source.rotations)


def vary(source: Template, changes: Changes, generator: Generator) -> Crystal:
    """Return a variant: another crystal of the same space group.

    Parameters
    ----------
    source
        The crystal with its symmetry.
    changes
        How far the variant may go.
    generator
        The random numbers.
    """
    crystal = source.crystal
    numbers, growth = _substitute(source, changes, generator)
    size = np.cbrt(growth) * np.exp(changes.scale * generator.standard_normal())
    lattice = crystal.lattice * size
    if source.rotations.size and changes.strain:
        lattice = lattice @ (np.eye(3) + _strain(source, changes.strain, generator))
    frac = crystal.frac
    if source.origins.size and changes.displacement:
        spread = changes.displacement * generator.random()
        shifts = spread * generator.standard_normal(frac.shape)
        frac = frac + _agree(source, shifts @ np.linalg.inv(lattice))
    return Crystal(crystal.id, lattice, numbers, frac, crystal.occupancy)


def keeps_type(variant: Crystal, source: Template) -> bool:
    """Return whether a variant has the structure type of its crystal.

    It has, unless orbits of one element have become different ones.
    """
    before, after = np.unique(source.crystal.numbers), np.unique(variant.numbers)
    return before.size == after.size


def vary_uiso(
    crystal: Crystal, changes: Changes, generator: Generator
) -> NDArray[np.float64]:
    """Return by how much the Uiso of each atom is above the least, (n_atoms,), Å²."""
    if not changes.uiso or generator.random() < 0.5:
        return np.zeros(crystal.numbers.size)
    own, kinds = np.unique(crystal.numbers, return_inverse=True)
    extra = changes.uiso * generator.random(own.size)
    return np.asarray(extra - extra.min())[kinds]


def _strain(source: Template, size: float, generator: Generator) -> NDArray[np.float64]:
    """Return a symmetric strain, (3, 3), that the crystal system allows.

    Of a lattice with a, b, c as rows, x' = R x turns Cartesian rows by
    Q = L⁻¹ Rᵀ L; the mean of Qᵀ ε Q over all R is invariant under each.
    """
    tensor = size * generator.standard_normal((3, 3))
    tensor = (tensor + tensor.T) / 2.0
    lattice = source.crystal.lattice
    turns = np.linalg.inv(lattice) @ source.rotations.transpose(0, 2, 1) @ lattice
    mean: NDArray[np.float64] = (turns.transpose(0, 2, 1) @ tensor @ turns).mean(axis=0)
    return mean


@cache
def _usual_volumes() -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the elements, and the volume of an atom by atomic number, Å³."""
    known = load_priors()
    volumes = np.full(MAX_Z + 1, np.median(known.volumes))
    volumes[known.elements] = known.volumes
    return np.asarray(known.elements, np.int64), volumes


def _substitute(
    source: Template, changes: Changes, generator: Generator
) -> tuple[NDArray[np.int64], float]:
    """Return atomic numbers, and by how much the usual volume of the atoms grows.

    Atoms that a symmetry operation maps onto one another stay alike, and different
    ones stay different: no operation is lost, and none is gained.
    """
    crystal = source.crystal
    if generator.random() < changes.keep:
        return crystal.numbers, 1.0
    elements, volumes = _usual_volumes()
    kinds = crystal.numbers
    if changes.orbits and generator.random() < changes.orbits:
        kinds = kinds + (MAX_Z + 1) * source.orbits.astype(np.int64)
    own, places = np.unique(kinds, return_inverse=True)
    own %= MAX_Z + 1
    replaced = generator.random(own.size) < (1.0 if generator.random() < 0.5 else 0.5)
    # Orbits may be more than the elements that are left for them.
    replaced &= np.cumsum(replaced) <= elements.size - np.unique(own).size
    others = np.setdiff1d(elements, own[~replaced])
    new = own.copy()
    new[replaced] = generator.choice(others, int(replaced.sum()), replace=False)
    numbers = new[places]
    before = volumes[crystal.numbers] @ crystal.occupancy
    return numbers, float(volumes[numbers] @ crystal.occupancy / before)


def write_templates(path: Path, made: Sequence[Template]) -> None:
    """Write what was found of the symmetry of crystals, without the crystals."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Several processes of one training may write it at the same time.
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    with partial.open("wb") as file:
        np.savez(
            file,
            rotations=np.concatenate([t.rotations for t in made]),
            n_rotations=[len(t.rotations) for t in made],
            origins=np.concatenate([t.origins.ravel() for t in made]),
            n_origins=[len(t.origins) for t in made],
            orbits=np.concatenate([t.orbits for t in made]),
        )
    partial.replace(path)


def read_templates(path: Path, crystals: Sequence[Crystal]) -> list[Template]:
    """Return crystals with the symmetry that `write_templates` wrote of them."""
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


def with_symmetry(crystals: Sequence[Crystal], folder: Path) -> list[Template]:
    """Return crystals with their symmetry, which is found once and kept in a folder."""
    digest = hashlib.sha256(spglib.__version__.encode())
    for module in (symmetry, sites):
        digest.update(Path(str(module.__file__)).read_bytes())
    digest.update(Path(__file__).read_bytes())
    for crystal in crystals:
        for array in (
            crystal.lattice,
            crystal.frac,
            crystal.numbers,
            crystal.occupancy,
        ):
            digest.update(array.tobytes())
    path = folder / f"symmetry-{digest.hexdigest()[:16]}.npz"
    if path.is_file():
        return read_templates(path, crystals)
    found: list[Template] = []
    chunks = [crystals[i : i + _CHUNK] for i in range(0, len(crystals), _CHUNK)]
    with progress_bar("symmetry", len(crystals)) as advance, open_processes() as pool:
        for part in ordered_map(pool, templates, chunks):
            found += part
            advance(len(part))
    write_templates(path, found)
    return found
