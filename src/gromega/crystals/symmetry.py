"""Symmetry of crystals, by spglib: space group, primitive cell, structure type."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import spglib
from numpy.typing import NDArray

from gromega.crystals.crystal import Crystal
from gromega.crystals.io.sites import SAME_SITE
from gromega.crystals.structure_type import structure_type

Integers = NDArray[np.int64]

STRICT, LOOSE = 0.01, 0.1
"""The two tolerances (Å) at which a space group is determined. If the two groups
differ, the label is unreliable."""


@dataclass(frozen=True)
class Symmetry:
    """The space group, structure type and primitive cell that spglib finds."""

    space_group: int
    structure_type: str
    primitive: Crystal


def find_symmetry(crystal: Crystal, symprec: float = STRICT) -> Symmetry:
    """Return space group, structure type and primitive cell at a tolerance in Å.

    Atoms that share a site count as one. Two sites are equivalent only if they hold the
    same elements (and isotopes) with the same occupancies. Raise ValueError if spglib
    finds no space group, for example because atoms overlap.
    """
    data, kinds, _, site_of = _dataset(crystal, symprec)
    group = int(data.number)
    orbits = data.crystallographic_orbits.tolist()
    key = structure_type(group, kinds.tolist(), orbits, "".join(data.wyckoffs))
    _, kept = np.unique(data.mapping_to_primitive, return_index=True)
    atoms = np.flatnonzero(np.isin(site_of, kept))
    lattice = np.array(data.primitive_lattice)
    frac = crystal.frac[atoms] @ crystal.lattice @ np.linalg.inv(lattice)
    primitive = Crystal(
        crystal.id, lattice, crystal.numbers[atoms], frac, crystal.occupancy[atoms],
        crystal.masses[atoms],
    )  # fmt: skip
    return Symmetry(group, key, primitive)


def space_group(crystal: Crystal, symprec: float = STRICT) -> int:
    """Return the space group number of a crystal, see `find_symmetry`."""
    return int(_dataset(crystal, symprec)[0].number)


def operations(crystal: Crystal) -> tuple[Integers, NDArray[np.float64], Integers]:
    """Return the operations x → R x + t of a crystal's own cell, and the orbits.

    R, (n, 3, 3), and t, (n, 3), are in fractional coordinates. The orbit of each atom,
    (n_atoms,), is the index of one of its atoms. Raise ValueError if spglib finds none.
    """
    data, _, sites, site_of = _dataset(crystal, STRICT)
    orbits = sites[data.crystallographic_orbits][site_of]
    return np.asarray(data.rotations, np.int64), np.asarray(data.translations), orbits


def has_group(crystal: Crystal, group: int, symprec: float = STRICT) -> bool:
    """Return whether spglib finds a given space group, and no higher symmetry."""
    try:
        return space_group(crystal, symprec) == group
    except ValueError:
        return False


def loose_group(symmetry: Symmetry) -> int:
    """Return the space group number at `LOOSE` from the symmetry at `STRICT`.

    Raise ValueError if spglib finds none.
    """
    primitive = symmetry.primitive
    _, counts = np.unique(primitive.numbers, return_counts=True)
    # Point group m-3m in the smallest cell that the composition allows: there is no
    # higher symmetry, and spglib takes ten times as long for these as for others.
    if symmetry.space_group >= 221 and np.gcd.reduce(counts) == 1:
        return symmetry.space_group
    return space_group(primitive, LOOSE)


def structure_types(crystals: Sequence[Crystal]) -> list[str]:
    """Return the structure types of crystals, or "" where spglib finds no group."""
    found = []
    for crystal in crystals:
        try:
            found.append(find_symmetry(crystal).structure_type)
        except ValueError:
            found.append("")
    return found


def _dataset(
    crystal: Crystal, symprec: float
) -> tuple[spglib.SpglibDataset, Integers, Integers, Integers]:
    """Return what spglib finds, the kinds of the sites, and the result of `_sites`."""
    sites, site_of = _sites(crystal)
    kinds = _kinds(crystal, site_of)
    cell = (crystal.lattice, crystal.frac[sites], kinds)
    with warnings.catch_warnings():
        # spglib warns that a future version raises instead of returning None.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            # spglib declares lists, but accepts arrays.
            data = spglib.get_symmetry_dataset(cell, symprec=symprec)  # type: ignore[arg-type]
        except spglib.SpglibError:
            data = None
    if data is None:
        raise ValueError(
            f"crystal {crystal.id!r}: spglib finds no space group at symprec "
            f"{symprec:g} Å; check it for overlapping atoms."
        )
    return data, kinds, sites, site_of


def _sites(crystal: Crystal) -> tuple[Integers, Integers]:
    """Return the first atom of each site, and the site of each atom."""
    own = np.arange(crystal.numbers.size)
    partial = np.flatnonzero(crystal.occupancy < 1)
    if partial.size < 2:
        return own, own
    first = own.copy()
    frac = crystal.frac[partial]
    for k, atom in enumerate(partial):
        steps = frac[:k] - frac[k]
        steps -= np.round(steps)
        same = np.linalg.norm(steps @ crystal.lattice, axis=1) < SAME_SITE
        if same.any():
            first[atom] = first[partial[same.argmax()]]
    sites, site_of = np.unique(first, return_inverse=True)
    return sites, site_of


def _kinds(crystal: Crystal, site_of: Integers) -> Integers:
    """Return the kind of each site: equal for equal nuclides and occupancies."""
    content: list[list[tuple[int, int]]] = [[] for _ in range(site_of.max() + 1)]
    shares = np.round(crystal.occupancy * 1000).astype(int).tolist()
    atoms = zip(site_of.tolist(), crystal.nuclides.tolist(), shares, strict=True)
    for site, number, share in atoms:
        content[site].append((number, share))
    names = [tuple(sorted(atoms)) for atoms in content]
    order = {name: k for k, name in enumerate(sorted(set(names)), start=1)}
    return np.array([order[name] for name in names])
