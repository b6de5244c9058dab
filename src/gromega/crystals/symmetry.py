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

STRICT, LOOSE = 0.01, 0.1
"""The two tolerances (Å) at which a space group is determined. If the two groups
differ, the label is unreliable."""


@dataclass(frozen=True)
class Symmetry:
    """The symmetry that spglib finds in a crystal.

    Parameters
    ----------
    space_group
        The space group number.
    structure_type
        The structure type, see `gromega.crystals.structure_type`.
    primitive
        The crystal in a primitive cell.
    """

    space_group: int
    structure_type: str
    primitive: Crystal


def find_symmetry(crystal: Crystal, symprec: float = STRICT) -> Symmetry:
    """Return space group, structure type and primitive cell of a crystal.

    Atoms that share a site count as one. Two sites are equivalent only if they hold the
    same elements with the same occupancies.

    Parameters
    ----------
    crystal
        The crystal.
    symprec
        The tolerance on coordinates in Å.

    Raises
    ------
    ValueError
        If spglib finds no space group, for example because atoms overlap.
    """
    sites, site_of = _sites(crystal)
    kinds = _kinds(crystal, site_of)
    data = _dataset(crystal, sites, kinds, symprec)
    group = int(data.number)
    wyckoffs = "".join(data.wyckoffs)
    orbits = data.crystallographic_orbits.tolist()
    key = structure_type(group, kinds.tolist(), orbits, wyckoffs)
    _, kept = np.unique(data.mapping_to_primitive, return_index=True)
    atoms = np.flatnonzero(np.isin(site_of, kept))
    lattice = np.array(data.primitive_lattice)
    frac = crystal.frac[atoms] @ crystal.lattice @ np.linalg.inv(lattice)
    primitive = Crystal(
        crystal.id, lattice, crystal.numbers[atoms], frac, crystal.occupancy[atoms]
    )
    return Symmetry(group, key, primitive)


def space_group(crystal: Crystal, symprec: float = STRICT) -> int:
    """Return the space group number of a crystal, see `find_symmetry`."""
    sites, site_of = _sites(crystal)
    kinds = _kinds(crystal, site_of)
    return int(_dataset(crystal, sites, kinds, symprec).number)


def operations(
    crystal: Crystal,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Return the operations x → R x + t of a crystal's own cell, and the orbits.

    Returns
    -------
    rotations : (n, 3, 3) int64
        R, in fractional coordinates.
    translations : (n, 3) float64
        t, in fractional coordinates.
    orbits : (n_atoms,) int64
        The orbit of each atom, as the index of one of its atoms.

    Raises
    ------
    ValueError
        If spglib finds no space group.
    """
    sites, site_of = _sites(crystal)
    data = _dataset(crystal, sites, _kinds(crystal, site_of), STRICT)
    rotations = np.asarray(data.rotations, np.int64)
    orbits = sites[data.crystallographic_orbits][site_of]
    return rotations, np.asarray(data.translations), orbits


def has_group(crystal: Crystal, group: int, symprec: float = STRICT) -> bool:
    """Return whether spglib finds a given space group, and no higher symmetry."""
    try:
        return space_group(crystal, symprec) == group
    except ValueError:
        return False


def loose_group(symmetry: Symmetry) -> int:
    """Return the space group number at `LOOSE` of a crystal.

    Parameters
    ----------
    symmetry
        The symmetry of the crystal at `STRICT`.

    Raises
    ------
    ValueError
        If spglib finds none.
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
    crystal: Crystal,
    sites: NDArray[np.int64],
    kinds: NDArray[np.int64],
    symprec: float,
) -> spglib.SpglibDataset:
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
    return data


def _sites(crystal: Crystal) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first atom of each site, and the site of each atom."""
    n = crystal.numbers.size
    own = np.arange(n)
    partial = np.flatnonzero(crystal.occupancy < 1)
    if partial.size < 2:
        return own, own
    first = own.copy()
    frac = crystal.frac[partial]
    for k, atom in enumerate(partial):
        steps = frac[:k] - frac[k]
        steps -= np.round(steps)
        same = np.flatnonzero(
            np.linalg.norm(steps @ crystal.lattice, axis=1) < SAME_SITE
        )
        if same.size:
            first[atom] = first[partial[same[0]]]
    sites, site_of = np.unique(first, return_inverse=True)
    return sites, site_of


def _kinds(crystal: Crystal, site_of: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the kind of each site: equal for equal elements and occupancies."""
    content: list[list[tuple[int, int]]] = [[] for _ in range(site_of.max() + 1)]
    shares = np.round(crystal.occupancy * 1000).astype(int).tolist()
    atoms = zip(site_of.tolist(), crystal.numbers.tolist(), shares, strict=True)
    for site, number, share in atoms:
        content[site].append((number, share))
    names = [tuple(sorted(atoms)) for atoms in content]
    order = {name: k for k, name in enumerate(sorted(set(names)), start=1)}
    return np.array([order[name] for name in names])
