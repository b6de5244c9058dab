"""Analysis of the errors and of the confidence of a model.

Arguments: ``log_p``, the log-probabilities, (n, n_groups); ``y``, the true classes,
(n,); ``rank``, the rank of the true group of each crystal, (n,), 0 for the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gromega.evaluation.score import TOP
from gromega.model.calibration import Calibration
from gromega.model.intervals import Share
from gromega.networks.logits import ranks


@dataclass(frozen=True)
class SubsetAccuracy:
    """The top-1 and top-6 accuracy on a named subset of the crystals."""

    name: str
    top1: Share
    top6: Share


def accuracy_by_category(
    rank: NDArray[np.int64], category: NDArray[np.int64], names: Sequence[str]
) -> list[SubsetAccuracy]:
    """Return the accuracy on each category, (n,) into `names`, that has crystals."""
    found = []
    for index, name in enumerate(names):
        inside = rank[category == index]
        if inside.size:
            found.append(SubsetAccuracy(name, *(Share.of(inside < k) for k in TOP)))
    return found


def accuracy_by_number(
    rank: NDArray[np.int64],
    numbers: NDArray[np.int64],
    edges: Sequence[int],
    counted: str,
) -> list[SubsetAccuracy]:
    """Return the accuracy by ranges of a number, (n,), of what is `counted` in words.

    The edges are the first number of each range, ascending.
    """
    starts = [int(numbers.min(initial=edges[0])), *edges]
    starts = [starts[0], *(edge for edge in edges if edge > starts[0])]
    names = [
        f"{low} {counted}" if high == low + 1 else f"{low} to {high - 1} {counted}"
        for low, high in pairwise(starts)
    ]
    names.append(f"{starts[-1]} {counted} and more")
    category = np.searchsorted(starts, numbers, side="right") - 1
    return accuracy_by_category(rank, category, names)


def ranks_within(
    log_p: NDArray[np.floating], y: NDArray[np.int64], family: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the rank if the family of each group, (n_groups,), were known, (n,)."""
    return ranks(np.where(family[y][:, None] == family, log_p, -np.inf), y)


def summed_log_p(
    log_p: NDArray[np.floating], y: NDArray[np.int64], family: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the log-probabilities of families of groups, and the true ones.

    They are (n, n_families) and (n,); the family of each group is (n_groups,).
    """
    names, of_group = np.unique(family, return_inverse=True)
    p = np.exp(np.asarray(log_p, np.float64)) @ np.eye(names.size)[of_group]
    return np.log(np.maximum(p, 1e-300)), of_group[y]


def confusion_matrix(
    log_p: NDArray[np.floating], y: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Count crystals by true (row) and predicted group, (n_groups, n_groups)."""
    n_groups = log_p.shape[1]
    pairs = y * n_groups + log_p.argmax(axis=1)
    return np.bincount(pairs, minlength=n_groups**2).reshape(n_groups, n_groups)


@dataclass(frozen=True)
class CalibrationBin:
    """The accuracy of the first group, and the mean of its probability, in a bin."""

    confidence: float
    accuracy: Share


def calibration_curve(
    log_p: NDArray[np.floating], y: NDArray[np.int64]
) -> list[CalibrationBin]:
    """Return accuracy by confidence, in ten bins of equal numbers of crystals."""
    confidence = np.exp(log_p.max(axis=1))
    right = log_p.argmax(axis=1) == y
    order = np.argsort(confidence, kind="stable")
    return [
        CalibrationBin(float(confidence[rows].mean()), Share.of(right[rows]))
        for rows in np.array_split(order, min(10, y.size))
    ]


def selective_accuracy(
    log_p: NDArray[np.floating], y: NDArray[np.int64], rejected: Sequence[float]
) -> list[Share]:
    """Return the top-1 accuracy after shares of least confident ones are rejected."""
    order = np.argsort(-log_p.max(axis=1), kind="stable")
    right = (log_p.argmax(axis=1) == y)[order]
    return [
        Share.of(right[: max(round((1 - share) * y.size), 1)]) for share in rejected
    ]


@dataclass(frozen=True)
class SetCoverage:
    """The nominal and measured coverage of prediction sets, and their mean size."""

    nominal: float
    measured: Share
    mean_size: float


def set_coverages(
    calibration: Calibration, log_p: NDArray[np.floating], y: NDArray[np.int64]
) -> list[SetCoverage]:
    """Return the measured coverage at each coverage of a calibration."""
    found = []
    for key in calibration.conformal:
        sets = calibration.prediction_sets(log_p, float(key))
        measured = Share.of(sets[np.arange(y.size), y])
        found.append(SetCoverage(float(key), measured, float(sets.sum(axis=1).mean())))
    return found
