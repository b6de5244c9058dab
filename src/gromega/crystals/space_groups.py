"""Space groups: symbols, crystal systems, and translationengleiche subgroups."""

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
    _find(space_group)
    return _table()[space_group]


def common_supergroup(space_groups: Sequence[int]) -> int | None:
    """Return the smallest group of which all space groups are t-subgroups, if any."""
    wanted = frozenset(space_groups)
    found = [number for number, below in _table().items() if wanted <= below]
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
    """Return whether one of two space groups is a t-subgroup of the other."""
    return one in t_subgroups(other) or other in t_subgroups(one)


def _find(space_group: int) -> gemmi.SpaceGroup:
    found = gemmi.find_spacegroup_by_number(space_group)
    if found is None:
        raise ValueError(f"the space group must be from 1 to 230, got {space_group}.")
    return found
