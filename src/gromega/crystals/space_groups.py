"""Space groups: symbols, crystal systems, classes, translationengleiche subgroups."""

import json
import re
from collections.abc import Sequence
from functools import cache
from importlib import resources

import gemmi
import numpy as np
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
ENANTIOMORPHS = {
    76: 78, 91: 95, 92: 96, 144: 145, 151: 153, 152: 154, 169: 170, 171: 172, 178: 179,
    180: 181, 212: 213,
}  # fmt: skip
"""The 11 pairs of space groups that are mirror images of each other.

A crystal and its mirror image have the same distances, so G(r) cannot tell the groups
of a pair apart: they are one class, which has the lower number.
"""
_MIRRORED = ENANTIOMORPHS | {higher: lower for lower, higher in ENANTIOMORPHS.items()}


def crystal_system(space_groups: ArrayLike) -> NDArray[np.int64]:
    """Return the indices of the crystal systems in `SYSTEMS`, of the same shape."""
    return np.searchsorted([last for _, _, last in SYSTEMS], space_groups)


def class_of(space_groups: ArrayLike) -> NDArray[np.int64]:
    """Return the classes of space groups, numbers, as an array of the same shape."""
    numbers = np.asarray(space_groups, np.int64)
    found = numbers.copy()
    for lower, higher in ENANTIOMORPHS.items():
        found[numbers == higher] = lower
    return found


def all_classes() -> tuple[int, ...]:
    """Return the 219 classes of space groups that G(r) can tell apart, ascending."""
    return tuple(np.unique(class_of(np.arange(1, 231))).tolist())


def most_populated(classes: ArrayLike, n: int) -> NDArray[np.int64]:
    """Return the n classes with the most of some crystals, the most populated first.

    The classes are those of each crystal; of two of the same size, the lower number
    comes first.
    """
    numbers, counts = np.unique(np.asarray(classes, np.int64), return_counts=True)
    return np.asarray(numbers[np.lexsort((numbers, -counts))][:n])


def class_symbol(number: int) -> str:
    """Return the symbol of a class, such as ``Fm-3m`` or ``P3121 / P3221``."""
    other = ENANTIOMORPHS.get(number)
    return f"{symbol(number)} / {symbol(other)}" if other else symbol(number)


def class_number(number: int) -> str:
    """Return the number of a class as a text, such as ``225`` or ``152/154``."""
    other = ENANTIOMORPHS.get(number)
    return f"{number}/{other}" if other else str(number)


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
    _find(space_group)
    return _table()[space_group]


def common_supergroup(space_groups: Sequence[int]) -> int | None:
    """Return the smallest group of which all space groups are t-subgroups, if any.

    The two groups of an enantiomorphic pair count as the same.
    """
    wanted = frozenset(space_groups)
    found = [number for number in _table() if wanted <= _below(number)]
    return min(found, key=lambda number: (len(_table()[number]), number), default=None)


@cache
def bravais_lattice(space_group: int) -> str:
    """Return the Bravais lattice, such as ``cF``; trigonal P lattices are ``hP``."""
    system = SYSTEMS[crystal_system(space_group)][0]
    letter = {"triclinic": "a", "trigonal": "h"}.get(system, system[0])
    centring = symbol(space_group)[0]
    return letter + ("C" if centring in "AB" else centring)


@cache
def laue_class(space_group: int) -> str:
    """Return the Laue class, such as ``m-3m``."""
    return str(_find(space_group).laue_str())


@cache
def _table() -> dict[int, frozenset[int]]:
    """Return the t-subgroups of all groups; tools/t_subgroups.py makes the table."""
    path = resources.files("gromega.crystals") / "t_subgroups.json"
    return {int(k): frozenset(v) for k, v in json.loads(path.read_text()).items()}


def related(one: int, other: int) -> bool:
    """Return whether one of two space groups is a t-subgroup of the other.

    The two groups of an enantiomorphic pair count as the same.
    """
    return one in _below(other) or other in _below(one)


@cache
def _below(space_group: int) -> frozenset[int]:
    """Return the t-subgroups of a group and of its mirror image, and their images."""
    below = t_subgroups(space_group) | t_subgroups(_mirrored(space_group))
    return below | {*map(_mirrored, below)}


def _mirrored(space_group: int) -> int:
    """Return the other group of an enantiomorphic pair, else the group itself."""
    return _MIRRORED.get(space_group, space_group)


def _find(space_group: int) -> gemmi.SpaceGroup:
    found = gemmi.find_spacegroup_by_number(space_group)
    if found is None:
        raise ValueError(f"the space group must be from 1 to 230, got {space_group}.")
    return found
