"""The formula that a CIF file states, and whether a crystal has it."""

import math
import re
from contextlib import suppress

import gemmi
import numpy as np

from gromega.crystals.crystal import Crystal
from gromega.crystals.read_formula import Amounts, spellings

TAGS = (
    "_chemical_formula_sum",
    "_chemical_formula_moiety",
    "_chemical_formula_structural",
)
# Elements whose compounds with hydrogen are molecules.
_MOLECULAR = {6, 7, 8}
# Relative.
TOLERANCE = 0.05
# The share of the atoms that either may leave out: traces in minerals.
TRACE = 0.01
_UNKNOWN = re.compile(r"(?:[A-Z][a-z]?+[\d.xyzn()+-]*+\s*+)+")
_ERROR = re.compile(r"(?<=\d)\(\d+\)")
_CHARGE = re.compile(r"(?:\s\d*[+-]|[+-]\d*)(?=[\s,;)]|$)")


def stated_formulas(block: gemmi.cif.Block) -> tuple[str, list[Amounts]]:
    """Return the formula of a block, and the compositions that it can mean.

    It is the sum formula, or else the moieties or the structural formula. If none can
    be read, the text is the first one of elements, or empty.
    """
    unread = ""
    for tag in TAGS:
        text = gemmi.cif.as_string(block.find_value(tag) or "")
        text = " ".join(_ERROR.sub("", text).split())
        if not text.strip("?. "):
            continue
        parts = re.split(r"[,;]", _CHARGE.sub("", text))
        spelt = " ".join(_multiplied(part) for part in parts)
        # Some symbols may be in capitals only.
        for each in (spelt, spelt.upper()):
            with suppress(ValueError):
                return text, spellings(each)
        unread = unread or (text if _elements(text) else "")
    return unread, []


def _elements(text: str) -> set[int]:
    """Return the elements of a formula with unknown amounts, such as Sr1-x Cl2."""
    if not _UNKNOWN.fullmatch(text):
        return set()
    symbols = re.findall(r"[A-Z][a-z]?", text)
    numbers = {int(gemmi.Element(symbol).atomic_number) for symbol in symbols}
    return set() if 0 in numbers else numbers


def _multiplied(part: str) -> str:
    """Return a moiety such as ``2(H2 O)`` with its number behind."""
    match = re.fullmatch(r"\s*([\d.]+)\s*\((.*)\)\s*", part)
    return f"({match[2]}){match[1]}" if match else part


def fits(text: str, amounts: Amounts, crystal: Crystal) -> bool:
    """Return whether a crystal has a composition, or the elements of an unread text."""
    if amounts or not text:
        return not amounts or agrees(amounts, crystal)
    return _elements(text) - {1} == set(crystal.numbers.tolist()) - {1}


def agrees(amounts: Amounts, crystal: Crystal, hydrogen: bool = False) -> bool:
    """Return whether a crystal has a composition, but for its scale and hydrogen.

    Hydrogen is often not located; `hydrogen` says whether all must be there. Amounts
    may differ by `TOLERANCE` and by half of their last digit.
    """
    stated, found = _stated(amounts, hydrogen), _found(crystal, hydrogen)
    common = stated.keys() & found.keys()
    for some in (stated, found):
        missing = sum(n for number, n in some.items() if number not in common)
        if missing > TRACE * sum(some.values()):
            return False
    if not common:
        return False
    bounds = [(found[z], _half_digit(stated[z]), stated[z]) for z in common]
    low = max(n / (s * (1 + TOLERANCE) + half) for n, half, s in bounds)
    high = min(n / max(s * (1 - TOLERANCE) - half, 1e-9) for n, half, s in bounds)
    return low <= high and (hydrogen or _has_hydrogen(amounts, crystal, low, high))


def _has_hydrogen(amounts: Amounts, crystal: Crystal, low: float, high: float) -> bool:
    """Return whether the hydrogen of a crystal is possible, for the scales of the rest.

    It may be missing, but not from a hydride, and there may not be more than stated.
    """
    stated, found = _stated(amounts, True), _found(crystal, True)
    others = stated.keys() - {1}
    if not others:
        return True
    amount, atoms = stated.get(1, 0.0), found.get(1, 0.0)
    slack = TRACE * sum(found.values())
    if atoms > high * (amount * (1 + TOLERANCE) + _half_digit(amount)) + slack:
        return False
    is_hydride = len(others) == 1 and not others & _MOLECULAR
    least = low * (amount * (1 - TOLERANCE) - _half_digit(amount)) - slack
    return not is_hydride or atoms >= least


def formula_units(amounts: Amounts, crystal: Crystal) -> float:
    """Return the number of formula units in the cell of a crystal, hydrogen aside."""
    stated, found = _stated(amounts), _found(crystal)
    return sum(found.values()) / (sum(stated.values()) or 1.0)


def common_factor(amounts: Amounts) -> int:
    """Return the greatest common divisor of whole amounts, else 1."""
    numbers = [float(amount) for amount in amounts.values()]
    whole = all(number.is_integer() for number in numbers)
    return math.gcd(*map(int, numbers)) or 1 if whole else 1


def _stated(amounts: Amounts, hydrogen: bool = False) -> dict[int, float]:
    """Return the amounts by atomic number."""
    stated: dict[int, float] = {}
    for key, amount in amounts.items():
        number = gemmi.Element(key.lstrip("0123456789")).atomic_number
        stated[number] = stated.get(number, 0.0) + amount
    return _positive(stated, hydrogen)


def _found(crystal: Crystal, hydrogen: bool = False) -> dict[int, float]:
    """Return the atoms in the cell by atomic number."""
    sums = np.bincount(crystal.numbers, crystal.occupancy)
    return _positive({z: float(n) for z, n in enumerate(sums)}, hydrogen)


def _positive(amounts: dict[int, float], hydrogen: bool) -> dict[int, float]:
    """Return amounts above 0, without hydrogen if there is anything else."""
    positive = {z: n for z, n in amounts.items() if n > 0}
    if hydrogen:
        return positive
    return {z: n for z, n in positive.items() if z > 1} or positive


def _half_digit(amount: float) -> float:
    """Return half of the last digit of an amount, or 0 for a whole number."""
    decimals = len(f"{amount:.6g}".partition(".")[2])
    return 0.5 * 10.0**-decimals if decimals else 0.0
