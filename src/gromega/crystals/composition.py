"""Compositions: what a formula says, and how like two of them are."""

import re
from collections.abc import Iterable, Sequence

import numpy as np
import periodictable
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# The elements in the order of the modified Pettifor scale: neighbours replace one
# another in crystals (Glawe et al., New J. Phys. 18 (2016) 093011).
_SCALE = (
    "He Ne Ar Kr Xe Rn Fr Cs Rb K Na Li Ra Ba Sr Ca Eu Yb Lu Tm Y Er Ho Dy Tb Gd Sm "
    "Pm Nd Pr Ce La Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Sc Zr Hf Ti Ta Nb V Cr "
    "Mo W Re Tc Os Ru Ir Rh Pt Pd Au Ag Cu Ni Co Fe Mn Mg Zn Cd Hg Be Al Ga In Tl Pb "
    "Sn Ge Si B C N P As Sb Bi Po Te Se S O At I Br Cl F H"
)
_PLACES = {symbol: k for k, symbol in enumerate(_SCALE.split())}
_N_ELEMENTS = len(_PLACES)
# T is left out: it begins a Ti written as TI.
_PLACES["D"] = _PLACES["H"]
_NUMBER = r"(?:\d+\.?\d*|\.\d+)?"
# An element and its number, which `Crystal.formula` may write as 1.2e+03.
_PART = re.compile(rf"([A-Z][a-z]?)({_NUMBER}(?:(?<=\d)e[+-]\d+)?)")
# The water of CuSO4.5H2O, whose dot is none of a number; other dots say themselves that
# a part begins.
_WATER = re.compile(r"\.(\d*(?:\.\d+)?)H2O$")
_DOTS = re.compile(rf"[·*•∙⋅]({_NUMBER})([^·*•∙⋅]+)")
_PLAIN = str.maketrans("₀₁₂₃₄₅₆₇₈₉[]", "0123456789()")
_BRACKETS = re.compile(rf"\(([^()]*)\)({_NUMBER})")
_MAX_LENGTH = 1000
# The rarest of more kinds of atoms are left out.
_MOST_KINDS = 12
# A weight falls by e where the ratios differ by so much, and where the elements are so
# many steps apart; up to a limit, from which on all are equally unlike.
_RATIO_SCALE, _RATIO_LIMIT = 0.02, 6.0
_STEP_SCALE, _STEP_LIMIT = 2.0, 12.0


def parse_composition(text: str) -> dict[str, float]:
    """Return how many atoms of each element a composition such as ``SrTiO3`` has.

    Raises
    ------
    ValueError
        If it is no composition.
    """
    if len(text) > _MAX_LENGTH:
        raise ValueError(f"composition: {len(text)} characters are no formula.")
    flat = text.replace(" ", "").translate(_PLAIN)
    flat = _WATER.sub(r"(H2O)\1", _DOTS.sub(r"(\2)\1", flat))
    while inner := _BRACKETS.search(flat):
        times = float(inner[2] or 1)
        parts = _parts(inner[1], text).items()
        inside = "".join(f"{symbol}{times * amount:.9f}" for symbol, amount in parts)
        flat = flat[: inner.start()] + inside + flat[inner.end() :]
    amounts = _parts(flat, text)
    if not 0 < sum(amounts.values()) < np.inf:
        raise ValueError(f"composition {text!r}: it has no atoms.")
    return amounts


def _parts(flat: str, whole: str) -> dict[str, float]:
    """Return the atoms of a part without brackets of a composition."""
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
        if symbol not in _PLACES:
            raise ValueError(
                f"composition {whole!r}: no crystal of {symbol} is known; two letters "
                "of an element are as in Ti."
            )
        amounts[symbol] = amounts.get(symbol, 0.0) + float(number or 1)
    return amounts


class Compositions:
    """Known compositions, to find those that are like another.

    Crystals of one structure type have like ratios of their elements, and elements
    that replace one another.

    Parameters
    ----------
    formulas
        The formulas, n of them; what is none is like nothing.
    """

    def __init__(self, formulas: Sequence[str]) -> None:
        parts = (_PART.findall(formula) for formula in formulas)
        fractions = _fractions(
            [[(a, float(n or 1)) for a, n in each] for each in parts]
        )
        self._sums = np.cumsum(fractions, axis=1)
        ratios, of = np.unique(_descending(fractions), axis=0, return_inverse=True)
        # A column for each: sums over the first axis are faster.
        self._ratios, self._ratio_of = np.ascontiguousarray(ratios.T), of.ravel()

    def log_weights(self, formula: str) -> Floats:
        """Return the logarithm of how like each is to a composition, (n,), at most 0.

        It falls with the sum of the differences between the fractions of the elements,
        each in descending order, and with the earth mover's distance between the
        elements along the modified Pettifor scale (Hargreaves et al., Chem. Mater. 32
        (2020) 10610), which is looked at where the ratios are near.

        Raises
        ------
        ValueError
            If the formula is none.
        """
        own = _fractions([parse_composition(formula).items()])
        apart = np.abs(self._ratios - _descending(own).T).sum(axis=0) / _RATIO_SCALE
        unlike = np.minimum(apart, _RATIO_LIMIT)[self._ratio_of]
        near = np.flatnonzero(unlike < _RATIO_LIMIT)
        steps = np.abs(self._sums[near] - np.cumsum(own)).sum(axis=1)
        unlike += _STEP_LIMIT / _STEP_SCALE
        unlike[near] -= np.maximum(_STEP_LIMIT - steps, 0) / _STEP_SCALE
        return np.asarray(-unlike, np.float32)


def _fractions(compositions: Sequence[Iterable[tuple[str, float]]]) -> Floats:
    """Return the fractions of the elements along the scale, (n, 103)."""
    amounts = np.zeros((len(compositions), _N_ELEMENTS))
    for row, parts in zip(amounts, compositions, strict=True):
        for symbol, amount in parts:
            if symbol in _PLACES:
                row[_PLACES[symbol]] += amount
    amounts /= np.maximum(amounts.sum(axis=1, keepdims=True), 1e-300)
    return amounts.astype(np.float32)


def _descending(fractions: Floats) -> Floats:
    """Return the largest fractions of each, (n, 12), the largest first."""
    return (-np.sort(-fractions, axis=1)[:, :_MOST_KINDS]).round(4)
