"""The atom sites of a CIF block: nuclides, coordinates, and occupancies."""

import re
from collections import defaultdict
from dataclasses import dataclass

import gemmi
import numpy as np
from numpy.typing import NDArray

from gromega.crystals.io.sites import FULL
from gromega.crystals.io.species import Shares, species, style_of
from gromega.crystals.refusal import Reason, RefusedError

Floats = NDArray[np.float64]

_COLUMNS = (
    "fract_x",
    "?fract_y",
    "?fract_z",
    "?label",
    "?type_symbol",
    "?occupancy",
    "?calc_flag",
    "?disorder_assembly",
    "?disorder_group",
)
_DECIMALS = re.compile(r"[+-]?\d*\.?(\d*)(?:\(\d+\))?")
_COMMA = re.compile(r"[+-]?\d+,\d+(\(\d+\))?")
_FRACTION = re.compile(r"[+-]?\d+/[1-9]\d*")
# Å. Atoms of alternatives are closer than bonded ones.
_ALTERNATIVE = 1.5
# Digits that a coordinate has at least: 0.5 is exact.
_FEWEST, _MOST = 2, 6


@dataclass(frozen=True, eq=False)
class Site:
    """An atom site.

    Parameters
    ----------
    label
        The label, for messages.
    shares
        The nuclides with their shares of the occupancy.
    frac, errors
        The fractional coordinates and half of their last digits, (3,).
    occupancy, occupancy_error
        The occupancy, and half of its last digit.
    alternative
        The disorder assembly and group; group 0 is none.
    kind
        The type symbol, or an empty text.
    """

    label: str
    shares: Shares
    frac: Floats
    errors: Floats
    occupancy: float
    occupancy_error: float
    alternative: tuple[str, int]
    kind: str = ""


def number_of(text: str, what: str, reason: Reason) -> float:
    """Return a number or a fraction of a CIF file, or nan; refuse a decimal comma."""
    if _COMMA.fullmatch(text):
        point = text.replace(",", ".")
        raise RefusedError(reason, f"{what} {text} has a decimal comma: write {point}")
    if _FRACTION.fullmatch(text):
        above, below = text.split("/")
        return float(above) / float(below)
    return float(gemmi.cif.as_number(text))


def read_sites(
    block: gemmi.cif.Block, elements: frozenset[str], lattice: Floats
) -> tuple[list[Site], list[str]]:
    """Return the sites of a block that are atoms, and notes on those left out.

    Parameters
    ----------
    elements
        The elements and isotopes of the stated formula, or none.
    lattice
        The lattice, (3, 3) in Å.

    Raises
    ------
    RefusedError
        If there are none, or one has no known element, no coordinates or no possible
        occupancy.
    """
    rows = [
        [
            gemmi.cif.as_string(row[k]) if row.has(k) else ""
            for k in range(len(_COLUMNS))
        ]
        for row in block.find("_atom_site_", list(_COLUMNS))
    ]
    decimals = [_decimals(text) for row in rows for text in row[:3]]
    most = min(max([_FEWEST, *decimals]), _MOST)
    names = [(_name(row[4]), _name(row[3])) for row in rows]
    style = style_of((label for kind, label in names if not kind), elements)
    sites, dummies = [], 0
    for (kind, label), row in zip(names, rows, strict=True):
        occupancy = _occupancy(row[5], label)
        if occupancy == 0:
            continue
        shares = [] if row[6].lower() == "dum" else species(kind, label, style)
        if not shares:
            dummies += 1
            continue
        frac = np.array(
            [
                number_of(text, f"coordinate of {label}", Reason.NO_COORDINATES)
                for text in row[:3]
            ]
        )
        if not np.isfinite(frac).all():
            raise RefusedError(Reason.NO_COORDINATES, f"of atom {label!r}")
        sites.append(
            Site(
                label,
                shares,
                frac,
                np.array([_error(x, most) for x in row[:3]]),
                occupancy,
                0.5 * 10.0**-places if (places := _decimals(row[5])) else 0.0,
                (row[7], int(row[8]) if row[8].isdigit() else 0),
                kind,
            )
        )
    if not rows and list(block.find_values("_atom_site_label")):
        raise RefusedError(Reason.NO_COORDINATES, "no fractional coordinates")
    if not sites:
        raise RefusedError(Reason.NO_ATOMS, "no site with an occupancy above 0")
    notes = ["sites of dummies or vacancies were left out"] if dummies else []
    chosen = _choose_alternatives(sites, lattice)
    if len(chosen) < len(sites):
        notes.append("alternatives with full occupancies: the first was kept")
    return chosen, notes


def _name(text: str) -> str:
    text = text.strip()
    return "" if text in ("?", ".") else text


def _occupancy(text: str, label: str) -> float:
    if not _name(text):
        return 1.0
    value = number_of(text, f"occupancy of {label}", Reason.BAD_OCCUPANCY)
    if not 0 <= value <= FULL:
        detail = f"{text} of atom {label!r}: give a number from 0 to 1"
        raise RefusedError(Reason.BAD_OCCUPANCY, detail)
    return value


def _decimals(text: str) -> int:
    match = _DECIMALS.fullmatch(text)
    return len(match[1]) if match else 0


def _error(text: str, most: int) -> float:
    """Return how far a coordinate may be from the one that its digits mean.

    The file gives `most` digits. Fewer are exact, such as 0.5, or a fraction in few
    digits, rounded or cut, such as 0.66.
    """
    decimals = _decimals(text)
    half = 0.5 * 10.0**-most
    if decimals < _FEWEST:
        return half
    value = float(gemmi.cif.as_number(text))
    off = abs(value - round(24 * value) / 24)
    return max(half, off) if off < 10.0**-decimals else half


def _choose_alternatives(sites: list[Site], lattice: Floats) -> list[Site]:
    """Keep the first of several alternatives that are given with full occupancy.

    Alternatives are the disorder groups of one assembly. Raise RefusedError if one that
    is left out is not in the place of others.
    """
    full: defaultdict[str, dict[int, bool]] = defaultdict(dict)
    for site in sites:
        assembly, group = site.alternative
        if group > 0:
            whole = full[assembly].get(group, True)
            full[assembly][group] = whole and site.occupancy > 0.99
    left_out = {
        (assembly, group)
        for assembly, groups in full.items()
        for group in sorted(group for group, whole in groups.items() if whole)[1:]
    }
    kept = [site for site in sites if site.alternative not in left_out]
    for alternative in left_out:
        own = [site for site in sites if site.alternative == alternative]
        others = [x for x in kept if x.alternative[0] == alternative[0]]
        if not any(_is_close(x, y, lattice) for x in own for y in others):
            detail = f"{own[0].label!r} is full and no alternative: give its occupancy"
            raise RefusedError(Reason.BAD_OCCUPANCY, detail)
    return kept


def _is_close(one: Site, other: Site, lattice: Floats) -> bool:
    step = one.frac - other.frac
    return bool(np.linalg.norm((step - np.round(step)) @ lattice) < _ALTERNATIVE)
