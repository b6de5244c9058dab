"""Reading formulas as people and programs write them: CuSO4·5H2O, C 10 H 8, AL2 O3."""

import re
from functools import lru_cache
from itertools import product

import numpy as np
import periodictable

from gromega.crystals.crystal import HEAVIEST

Amounts = dict[str, float]

_DECIMAL = r"(?:\d+\.?\d*|\.\d+)"
# `Crystal.formula` may write a number as 1.2e+03. periodictable.formula rejects such
# numbers, fractions, square brackets and raised dots.
_AMOUNT = rf"((?:\d+/\d+|{_DECIMAL}(?:(?<=\d)e[+-]\d+)?)?)"
_PART = re.compile(rf"(\^\d+\^?[A-Z][a-z]?|[A-Z][a-z]?){_AMOUNT}")
_BRACKETS = re.compile(rf"\(([^()]*)\){_AMOUNT}")
_MULTIPLE = re.compile(rf"(\d+/\d+|{_DECIMAL})?(.*)")
_LONE = re.compile(r"[A-Z][A-Za-z]?|.*\)")
# The dot in CuSO4.5H2O is not a decimal point. Raised dots always begin a new part.
_WATER = re.compile(r"([A-Za-z)]\d*)(?:\.|\s+\.\s+)(\d*(?:\.\d+)?\s*[HD]2O)\s*$")
_DOTS = re.compile(r"[·*•∙⋅]")
_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_ASCII = str.maketrans(f"₀₁₂₃₄₅₆₇₈₉{_SUPERSCRIPTS}[]", "01234567890123456789()")
# [7Li], ⁷Li, and ^7^Li, the markup of CIF files.
_ISOTOPE = re.compile(
    rf"\[(\d+)([A-Z][a-z]?)\]|\^(\d+)\^?([A-Z][a-z]?)|([{_SUPERSCRIPTS}]+)([A-Z][a-z]?)"
)
_MASS = re.compile(r"(\d+)([A-Z][a-z]?)[\d.]*")
_CAPITALS = re.compile(r"[A-Z]{2,}")
# Adjacent elements of usual anions, oxides and acids, which are also Co, No, Po, Ho.
_USUAL = ("CO", "NO", "PO", "HO", "HF")
# A larger number before a formula is a temperature or a name: the largest hydrates have
# 24 molecules of water.
_MOST_TIMES = 30
_MOST_SPELLINGS = 64
_MAX_LENGTH = 1000


def spellings(text: str) -> list[Amounts]:
    """Return the compositions that a formula can mean: first that of its spelling.

    A formula in capitals such as ``CUO`` has others. An isotope has a key of its own:
    ``D``, ``7Li``. Raise ValueError if the text is not a formula.
    """
    if len(text) > _MAX_LENGTH:
        raise ValueError(
            f"composition: at most {_MAX_LENGTH} characters, got {len(text)}."
        )
    found: list[Amounts] = []
    problem: ValueError | None = None
    for spelling in _spelt(text):
        try:
            amounts = _amounts(spelling, text)
        except ValueError as error:
            problem = problem or error
            continue
        if amounts not in found:
            found.append(amounts)
    if problem and not found:
        raise problem
    return found


def is_usual(text: str) -> bool:
    """Return whether a formula in capitals is usual as it is spelt, such as ``CO2``."""
    letters = re.sub(r"[^A-Z]", "", text)
    pairs = [x[k : k + 2] for x in _CAPITALS.findall(text) for k in range(len(x) - 1)]
    doubtful = [pair for pair in pairs if _is_element(pair.title())]
    return (
        len(set(letters)) == len(letters)
        and not (text.isalpha() and len(text) == 2)
        and all(pair in _USUAL for pair in doubtful)
    )


def _spelt(text: str) -> list[str]:
    """Return a text as it is; one in capitals, with elements in lower case as well."""
    if any(letter.islower() for letter in text):
        return [text]
    words = text.split()
    # A word that is an element with a number, among others, is not two elements.
    apart = len(words) > 1
    choices = [
        _segments(run, apart and bool(re.fullmatch(r"[A-Z]{2}[\d.]*", word)))
        for word in words
        for run in _CAPITALS.findall(word)
    ]
    if np.prod([len(choice) for choice in choices], dtype=float) > _MOST_SPELLINGS:
        return [text]
    spelt = []
    for choice in product(*choices):
        runs = iter(choice)
        spelt.append(_CAPITALS.sub(lambda _, runs=runs: next(runs), text))  # type: ignore[misc]
    return spelt


@lru_cache(1024)
def _segments(run: str, lone: bool) -> tuple[str, ...]:
    """Return the ways to read a run of capitals as elements, one letter each first."""
    whole = run.title()
    if lone and _is_element(whole):
        return (whole,)
    found = [""] if not run else []
    for n in range(1, min(len(run), 2) + 1):
        if n == 1 or _is_element(run[:n].title()):
            found += [run[:n].title() + rest for rest in _segments(run[n:], False)]
        if len(found) > _MOST_SPELLINGS:
            break
    return tuple(found)


@lru_cache(256)
def _is_element(symbol: str) -> bool:
    # T is left out, because TI is a misspelt Ti and not tritium iodide.
    if symbol == "T":
        return False
    try:
        # D is an isotope here, not hydrogen.
        return bool(periodictable.elements.symbol(symbol).number <= HEAVIEST)
    except ValueError:
        return False


def _amounts(text: str, whole: str) -> Amounts:
    """Return the amounts in a text whose elements are spelt in the usual way."""
    text = _ISOTOPE.sub(lambda m: "^" + "".join(x or "" for x in m.groups()), text)
    text = _WATER.sub(r"\1·\2", text.translate(_ASCII))
    flat = "".join(
        part
        for piece in _DOTS.split(text)
        for part in _joined([*map(_marked, piece.split())] or [""], whole)
    )
    while inner := _BRACKETS.search(flat):
        times = _number(inner[2])
        parts = _parts(inner[1], whole).items()
        inside = "".join(f"{symbol}{times * amount:.9f}" for symbol, amount in parts)
        flat = flat[: inner.start()] + inside + flat[inner.end() :]
    amounts = _parts(flat, whole)
    if not 0 < sum(amounts.values()) < np.inf:
        raise ValueError(f"composition {whole!r} has no atoms; give positive amounts.")
    return {symbol.strip("^"): amount for symbol, amount in amounts.items()}


def _marked(word: str) -> str:
    """Return 7Li as ^7Li: a number in front of an element is that of its isotope.

    It must be one in nature; 2H may be two atoms.
    """
    match = _MASS.fullmatch(word)
    if not match or match[2] == "H" or not _is_element(match[2]):
        return word
    element, mass = periodictable.elements.symbol(match[2]), int(match[1])
    known = mass in element.isotopes and element[mass].abundance
    return f"^{word}" if known else word


def _joined(words: list[str], whole: str) -> list[str]:
    """Join symbols with numbers that stand apart, and put multiples in brackets.

    A number belongs to the lone element or the bracket before it, as in C 10 H 8, else
    to the formula behind it, as in MgSO4 7 H2O.
    """
    joined: list[str] = []
    times = ""
    lone = False
    for k, word in enumerate(words):
        number, rest = re.fullmatch(_MULTIPLE, word).groups()  # type: ignore[union-attr]
        if number and not rest and lone:
            if k == len(words) - 1 and _is_temperature(words):
                raise _no_formula(whole)
            joined[-1] += number
            lone = False
            continue
        if number and (times or (k and _number(number) > _MOST_TIMES)):
            raise _no_formula(whole)
        times, lone = number or times, False
        if not rest:
            continue
        if times:
            # The formula may go on behind a lone element, and 5K is a temperature.
            if _LONE.fullmatch(rest) and "(" not in rest and len(words) > 1:
                raise _no_formula(whole)
            joined.append(f"({rest}){times}")
            times = ""
        else:
            joined.append(rest)
            lone = bool(_LONE.fullmatch(rest))
    if times:
        raise _no_formula(whole)
    return joined


def _is_temperature(words: list[str]) -> bool:
    """Return whether the last number is not an amount, as in Pb Te 300."""
    symbols = sum(bool(_LONE.fullmatch(word)) for word in words)
    return 2 * symbols > len(words) and _number(words[-1]) > _MOST_TIMES


def _parts(flat: str, whole: str) -> Amounts:
    """Return the amounts of a part of a formula that has no brackets."""
    parts = _PART.findall(flat)
    if not parts or "".join(map("".join, parts)) != flat:
        raise _no_formula(whole)
    amounts: Amounts = {}
    for symbol, number in parts:
        mass, element = re.fullmatch(r"(?:\^(\d+)\^?)?(\w+)", symbol).groups()  # type: ignore[union-attr]
        if not _is_element(element):
            raise ValueError(
                f"composition {whole!r}: no crystals of {element} are known; write "
                "element symbols as in Ti."
            )
        if mass and int(mass) not in periodictable.elements.symbol(element).isotopes:
            raise ValueError(f"composition {whole!r}: {element} has no isotope {mass}.")
        key = f"^{mass}{element}" if mass else element
        key = "D" if key == "^2H" else key
        amounts[key] = amounts.get(key, 0.0) + _number(number)
    return amounts


def _number(text: str) -> float:
    """Return an amount, a fraction such as 1/3 included; 1 for an empty text."""
    above, _, below = text.partition("/")
    return float(above or 1) / (float(below or 1) or np.inf)


def _no_formula(whole: str) -> ValueError:
    return ValueError(
        "composition must be element symbols and numbers, as in SrTiO3, C 10 H 8 or "
        f"CuSO4·5H2O, got {whole!r}."
    )
