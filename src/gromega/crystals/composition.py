"""Compositions: parsing of formulas, and the similarity of two compositions."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import periodictable
from numpy.typing import NDArray

from gromega.crystals.read_formula import is_usual, spellings

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
# The amounts of `Crystal.formula`.
_PART = re.compile(r"([A-Z][a-z]?)((?:\d+\.?\d*(?:e[+-]\d+)?)?)")
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

    Symbols and numbers may stand apart (``C 10 H 8``), a number before a formula
    multiplies it (``MgSO4 7H2O``), and capitals are read where they have one meaning
    (``AL2O3``). An isotope has a key of its own: ``D``, and ``7Li`` for ``[7Li]``.
    Raise ValueError if the text is not a composition, or has two meanings.
    """
    found = spellings(text)
    if len(found) > 1 and not is_usual(text):
        names = " or ".join(
            " ".join(f"{symbol}{n:g}" for symbol, n in amounts.items())
            for amounts in found[:2]
        )
        raise ValueError(
            f"composition {text!r} can mean {names}; write element symbols as in Ti."
        )
    return found[0]


def nuclide(key: str) -> Any:
    """Return the element or isotope of periodictable of a key of a composition."""
    symbol = key.lstrip("0123456789")
    element = periodictable.elements.symbol(symbol)
    return element[int(key[: -len(symbol)])] if symbol != key else element


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
        (2020) 10610). The latter is computed only where the ratios are similar. An
        isotope counts as its element. Raise ValueError if the formula is not a
        composition.
        """
        own = _fractions([spellings(formula)[0].items()])
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
        own = _descending(_fractions([spellings(formula)[0].items()]))
        same = np.abs(self._ratios - own.T).sum(axis=0) < _SAME_RATIOS
        return int(self._n_of[same].sum())


def _fractions(compositions: Sequence[Iterable[tuple[str, float]]]) -> Floats:
    """Return the fractions of the elements along the scale, (n, 103)."""
    amounts = np.zeros((len(compositions), _N_ELEMENTS))
    for row, parts in zip(amounts, compositions, strict=True):
        for key, amount in parts:
            symbol = key.lstrip("0123456789")
            if symbol in _INDEX:
                row[_INDEX[symbol]] += amount
    amounts /= np.maximum(amounts.sum(axis=1, keepdims=True), 1e-300)
    return amounts.astype(np.float32)


def _descending(fractions: Floats) -> Floats:
    """Return the largest fractions of each composition in descending order, (n, 12)."""
    return (-np.sort(-fractions, axis=1)[:, :_MOST_KINDS]).round(4)
