"""Space groups with their probabilities for one PDF."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gromega.crystals.space_groups import SYSTEMS, class_symbol, crystal_system

Key = TypeVar("Key")
N_SHOWN = 6  # groups in a table and a figure
Labels = list[tuple[int, str, str]]
"""The number, symbol and crystal system of each space group."""


@dataclass(frozen=True)
class Candidate:
    """A space group with its probability for one PDF.

    Parameters
    ----------
    number, symbol, system
        The space group number, the Hermann-Mauguin symbol and the crystal system. Two
        groups that are mirror images of each other have the lower number, and both
        symbols: G(r) cannot tell them apart.
    probability
        The probability, calibrated if the model is.
    in_set
        Whether the group is in the prediction set.
    """

    number: int
    symbol: str
    system: str
    probability: float
    in_set: bool


def labels_of(space_groups: NDArray[np.int64]) -> Labels:
    """Return the number, symbol and crystal system of space groups, (n_groups,)."""
    systems = [SYSTEMS[k][0] for k in crystal_system(space_groups)]
    numbers = space_groups.tolist()
    symbols = map(class_symbol, numbers)
    return list(zip(numbers, symbols, systems, strict=True))


def ranked_candidates(
    labels: Labels, p: NDArray[np.floating], in_set: NDArray[np.bool_]
) -> tuple[Candidate, ...]:
    """Return the candidates for one PDF, the most probable first.

    They have the labels, probabilities and membership in the prediction set of the
    space groups, (n_groups,).
    """
    order = np.argsort(-p, kind="stable")
    ranked = [labels[k] for k in order.tolist()]
    # As lists: NumPy's numbers, one by one, take much longer.
    rows = zip(ranked, p[order].tolist(), in_set[order].tolist(), strict=True)
    return tuple(
        Candidate(number, symbol, system, share, inside)
        for (number, symbol, system), share, inside in rows
    )


def summed(classes: Iterable[Key], p: NDArray[np.floating]) -> dict[Key, float]:
    """Return the probability of each class of space groups, the most probable first.

    Parameters
    ----------
    classes
        The class of each space group, such as its crystal system, (n_groups,).
    p
        The probabilities of the space groups, (n_groups,).
    """
    keys, index = _indexed(tuple(classes))
    sums = np.bincount(index, p).tolist()
    return dict(sorted(zip(keys, sums, strict=True), key=lambda pair: -pair[1]))


@lru_cache(16)
def _indexed(classes: tuple[Key, ...]) -> tuple[list[Key], NDArray[np.int64]]:
    """Return the different classes, and the index of each class among them."""
    keys = list(dict.fromkeys(classes))
    return keys, np.array([keys.index(each) for each in classes])
