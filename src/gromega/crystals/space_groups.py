"""Space groups: symbols, crystal systems, and translationengleiche subgroups."""

import re
import warnings
from functools import cache

import gemmi
import numpy as np
import spglib
from numpy.typing import ArrayLike, NDArray

SYSTEMS = (
    ("triclinic", 1, 2),
    ("monoclinic", 3, 15),
    ("orthorhombic", 16, 74),
    ("tetragonal", 75, 142),
    ("trigonal", 143, 167),
    ("hexagonal", 168, 194),
    ("cubic", 195, 230),
)
"""The crystal systems, with their first and last space group."""


def crystal_system(space_groups: ArrayLike) -> NDArray[np.int64]:
    """Return the indices of the crystal systems in `SYSTEMS`, of the same shape."""
    return np.searchsorted([last for _, _, last in SYSTEMS], space_groups)


@cache
def symbol(space_group: int) -> str:
    """Return the Hermann-Mauguin symbol of a space group, such as ``Fm-3m``."""
    # gemmi writes H for the hexagonal axes of a rhombohedral lattice.
    return re.sub("^H", "R", _find(space_group).short_name())


@cache
def centrosymmetric(space_group: int) -> bool:
    """Return whether a space group has inversion centres."""
    return bool(_find(space_group).is_centrosymmetric())


@cache
def t_subgroups(space_group: int) -> frozenset[int]:
    """Return the translationengleiche subgroups, including the group itself and P1.

    They keep all translations and lose other operations. A crystal gets one of them
    when its atoms move a little and its primitive cell stays the same.
    """
    rotations, translations = _operations(space_group)
    kinds, of = np.unique(rotations.reshape(-1, 9), axis=0, return_inverse=True)
    found = set()
    for kept in _subgroups(tuple(map(tuple, kinds.tolist()))):
        inside = np.isin(of.reshape(-1), list(kept))
        with warnings.catch_warnings():
            # spglib warns that a future version raises instead of returning None.
            warnings.simplefilter("ignore", DeprecationWarning)
            kind = spglib.get_spacegroup_type_from_symmetry(
                rotations[inside], translations[inside], symprec=1e-4
            )
        if kind is not None:
            found.add(int(kind.number))
    return frozenset(found)


def related(one: int, other: int) -> bool:
    """Return whether one of two space groups is a t-subgroup of the other."""
    return one in t_subgroups(other) or other in t_subgroups(one)


def _find(space_group: int) -> gemmi.SpaceGroup:
    found = gemmi.find_spacegroup_by_number(space_group)
    if found is None:
        raise ValueError(f"the space group must be from 1 to 230, got {space_group}.")
    return found


def _operations(space_group: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the operations of a space group in its first setting."""
    operations = list(_find(space_group).operations())
    rotations = np.array([op.rot for op in operations]) // gemmi.Op.DEN
    translations = np.array([op.tran for op in operations]) / gemmi.Op.DEN
    return rotations.astype(np.int32), translations


@cache
def _subgroups(rotations: tuple[tuple[int, ...], ...]) -> frozenset[frozenset[int]]:
    """Return all subgroups of a point group, as sets of indices of its rotations."""
    matrices = np.array(rotations).reshape(-1, 3, 3)
    index = {rotation: k for k, rotation in enumerate(rotations)}
    products = np.einsum("aij,bjk->abik", matrices, matrices).reshape(-1, 9)
    n = len(rotations)
    table = [index[tuple(row)] for row in products.tolist()]
    identity = index[(1, 0, 0, 0, 1, 0, 0, 0, 1)]

    def closure(elements: frozenset[int]) -> frozenset[int]:
        found, new = set(elements), list(elements)
        while new:
            a = new.pop()
            for b in list(found):
                for c in (table[a * n + b], table[b * n + a]):
                    if c not in found:
                        found.add(c)
                        new.append(c)
        return frozenset(found)

    known = {frozenset([identity])}
    waiting = list(known)
    while waiting:
        group = waiting.pop()
        for element in range(n):
            if element not in group:
                larger = closure(group | {element})
                if larger not in known:
                    known.add(larger)
                    waiting.append(larger)
    return frozenset(known)
