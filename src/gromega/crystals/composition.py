"""Compositions: parsing of formulas, and the similarity of two compositions."""

import re
from collections.abc import Iterable, Sequence

import numpy as np
import periodictable
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# The elements in the order of the modified Pettifor scale. Elements next to each other
# substitute for each other in crystals (Glawe et al., New J. Phys. 18 (2016) 093011).
_SCALE = (
    "He Ne Ar Kr Xe Rn Fr Cs Rb K Na Li Ra Ba Sr Ca Eu Yb Lu Tm Y Er Ho Dy Tb Gd Sm "
    "Pm Nd Pr Ce La Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Sc Zr Hf Ti Ta Nb V Cr "
    "Mo W Re Tc Os Ru Ir Rh Pt Pd Au Ag Cu Ni Co Fe Mn Mg Zn Cd Hg Be Al Ga In Tl Pb "
    "Sn Ge Si B C N P As Sb Bi Po Te Se S O At I Br Cl F H"
)
_INDEX = {symbol: k for k, symbol in enumerate(_SCALE.split())}
_N_ELEMENTS = len(_INDEX)
# T is left out, because TI is a misspelt Ti and not tritium iodide.
_INDEX["D"] = _INDEX["H"]
_NUMBER = r"(?:\d+\.?\d*|\.\d+)?"
# `Crystal.formula` may write a number as 1.2e+03. periodictable.formula rejects such
# numbers, square brackets and raised dots, and reads 4.5 atoms of O in CuSO4.5H2O.
_PART = re.compile(rf"([A-Z][a-z]?)({_NUMBER}(?:(?<=\d)e[+-]\d+)?)")
# The dot in CuSO4.5H2O is not a decimal point. Raised dots always begin a new part.
_WATER = re.compile(r"\.(\d*(?:\.\d+)?)H2O$")
_DOTS = re.compile(rf"[·*•∙⋅]({_NUMBER})([^·*•∙⋅]+)")
_ASCII = str.maketrans("₀₁₂₃₄₅₆₇₈₉[]", "0123456789()")
_BRACKETS = re.compile(rf"\(([^()]*)\)({_NUMBER})")
_MAX_LENGTH = 1000
# The number of fractions that are compared. Smaller ones are ignored.
_MOST_KINDS = 12
# The difference of ratios, and the number of steps between elements, at which a weight
# falls by a factor of e; and the largest logarithm of each factor.
_RATIO_SCALE, _RATIO_LIMIT = 0.02, 6.0
_STEP_SCALE, _STEP_LIMIT = 2.0, 12.0
# The sum of the differences of fractions up to which ratios are the same: formulas
# state them with three digits.
_SAME_RATIOS = 0.002


def parse_composition(text: str) -> dict[str, float]:
    """Return the amount of each element in a composition such as ``CuSO4·5H2O``.

    Raise ValueError if the text is not a composition.
    """
    if len(text) > _MAX_LENGTH:
        raise ValueError(
            f"composition: at most {_MAX_LENGTH} characters, got {len(text)}."
        )
    flat = text.replace(" ", "").translate(_ASCII)
    flat = _WATER.sub(r"(H2O)\1", _DOTS.sub(r"(\2)\1", flat))
    while inner := _BRACKETS.search(flat):
        times = float(inner[2] or 1)
        parts = _parts(inner[1], text).items()
        inside = "".join(f"{symbol}{times * amount:.9f}" for symbol, amount in parts)
        flat = flat[: inner.start()] + inside + flat[inner.end() :]
    amounts = _parts(flat, text)
    if not 0 < sum(amounts.values()) < np.inf:
        raise ValueError(f"composition {text!r} has no atoms; give positive amounts.")
    return amounts


def _parts(flat: str, whole: str) -> dict[str, float]:
    """Return the amounts of a part of a composition that has no brackets."""
    parts = _PART.findall(flat)
    if not parts or "".join(map("".join, parts)) != flat:
        raise ValueError(
            "composition must be element symbols and numbers, as in SrTiO3 or "
            f"Ca5(PO4)3OH, got {whole!r}."
        )
    amounts: dict[str, float] = {}
    for symbol, number in parts:
        try:
            # D is an isotope here, not hydrogen.
            periodictable.elements.symbol(symbol)
        except ValueError as error:
            raise ValueError(f"composition {whole!r}: {error}.") from None
        if symbol not in _INDEX:
            raise ValueError(
                f"composition {whole!r}: no crystals of {symbol} are known; write "
                "element symbols as in Ti."
            )
        amounts[symbol] = amounts.get(symbol, 0.0) + float(number or 1)
    return amounts


class Compositions:
    """Known compositions, to find those that are similar to another one.

    Crystals of one structure type have similar ratios of their elements, and elements
    that substitute for each other. An unreadable formula is similar to nothing.
    """

    def __init__(self, formulas: Sequence[str]) -> None:
        parts = (_PART.findall(formula) for formula in formulas)
        fractions = _fractions(
            [[(a, float(n or 1)) for a, n in each] for each in parts]
        )
        self._sums = np.cumsum(fractions, axis=1)
        ratios, of = np.unique(_descending(fractions), axis=0, return_inverse=True)
        # One column for each, because sums over the first axis are faster.
        self._ratios, self._ratio_of = np.ascontiguousarray(ratios.T), of.ravel()
        self._n_of = np.bincount(self._ratio_of)

    def log_weights(self, formula: str) -> Floats:
        """Return the logarithm of the similarity to a composition, (n,), at most 0.

        It falls with the sum of the differences between the fractions of the elements,
        sorted in descending order, and with the earth mover's distance between the
        elements along the modified Pettifor scale (Hargreaves et al., Chem. Mater. 32
        (2020) 10610). The latter is computed only where the ratios are similar. Raise
        ValueError if the formula is not a composition.
        """
        own = _fractions([parse_composition(formula).items()])
        ratios = np.abs(self._ratios - _descending(own).T).sum(axis=0) / _RATIO_SCALE
        distance = np.minimum(ratios, _RATIO_LIMIT)[self._ratio_of]
        near = np.flatnonzero(distance < _RATIO_LIMIT)
        steps = np.abs(self._sums[near] - np.cumsum(own)).sum(axis=1)
        distance += _STEP_LIMIT / _STEP_SCALE
        distance[near] -= np.maximum(_STEP_LIMIT - steps, 0) / _STEP_SCALE
        return np.asarray(-distance, np.float32)

    def n_of_ratios(self, formula: str) -> int:
        """Return the number of crystals with the ratios of a composition.

        Their elements may be any, as in rock salt and caesium chloride.
        """
        own = _descending(_fractions([parse_composition(formula).items()]))
        same = np.abs(self._ratios - own.T).sum(axis=0) < _SAME_RATIOS
        return int(self._n_of[same].sum())


def _fractions(compositions: Sequence[Iterable[tuple[str, float]]]) -> Floats:
    """Return the fractions of the elements along the scale, (n, 103)."""
    amounts = np.zeros((len(compositions), _N_ELEMENTS))
    for row, parts in zip(amounts, compositions, strict=True):
        for symbol, amount in parts:
            if symbol in _INDEX:
                row[_INDEX[symbol]] += amount
    amounts /= np.maximum(amounts.sum(axis=1, keepdims=True), 1e-300)
    return amounts.astype(np.float32)


def _descending(fractions: Floats) -> Floats:
    """Return the largest fractions of each composition in descending order, (n, 12)."""
    return (-np.sort(-fractions, axis=1)[:, :_MOST_KINDS]).round(4)
