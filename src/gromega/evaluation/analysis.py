"""Analysis: what a model gets wrong, and whether it knows."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gromega._util.intervals import Share
from gromega.evaluation.score import TOP
from gromega.model.calibration import Calibration
from gromega.networks.logits import ranks


@dataclass(frozen=True)
class Group:
    """The accuracy of a part of the crystals.

    Parameters
    ----------
    name
        What they have in common.
    top1, top6
        The shares whose group is the first, and among the first six.
    """

    name: str
    top1: Share
    top6: Share


def by_group(
    rank: NDArray[np.int64], of: NDArray[np.int64], names: Sequence[str]
) -> list[Group]:
    """Return the accuracy of each part of the crystals that has any.

    Parameters
    ----------
    rank
        The rank of the true group of each crystal, 0 the first, (n,).
    of
        The part that each crystal belongs to, (n,), indices into `names`.
    names
        The names of the parts.
    """
    found = []
    for place, name in enumerate(names):
        inside = rank[of == place]
        if inside.size:
            found.append(Group(name, *(Share.of(inside < k) for k in TOP)))
    return found


def by_number(
    rank: NDArray[np.int64], numbers: NDArray[np.int64], edges: Sequence[int], what: str
) -> list[Group]:
    """Return the accuracy by a number that crystals have, such as atoms per cell.

    Parameters
    ----------
    rank
        The rank of the true group of each crystal, (n,).
    numbers
        The number of each, (n,).
    edges
        Where each part but the first begins, in order.
    what
        What is counted, such as ``atoms``.
    """
    starts = [int(numbers.min(initial=edges[0])), *edges]
    starts = [starts[0], *(edge for edge in edges if edge > starts[0])]
    names = [
        f"{low} {what}" if high == low + 1 else f"{low} to {high - 1} {what}"
        for low, high in pairwise(starts)
    ]
    names.append(f"{starts[-1]} {what} and more")
    return by_group(rank, np.searchsorted(starts, numbers, side="right") - 1, names)


def ranks_among(
    log_p: NDArray[np.floating], y: NDArray[np.int64], kinds: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the rank of the true group among those of its kind, (n,), 0 the first.

    It is what the rank would be if the kind were known beforehand.

    Parameters
    ----------
    log_p
        The log-probabilities, (n, n_groups).
    y
        The true classes, (n,).
    kinds
        The kind of each group, (n_groups,).
    """
    return ranks(np.where(kinds[y][:, None] == kinds, log_p, -np.inf), y)


def confusion(log_p: NDArray[np.floating], y: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how often each true group is taken for each, (n_groups, n_groups)."""
    n_groups = log_p.shape[1]
    pairs = y * n_groups + log_p.argmax(axis=1)
    return np.bincount(pairs, minlength=n_groups**2).reshape(n_groups, n_groups)


@dataclass(frozen=True)
class ReliabilityBin:
    """How often answers of about the same confidence are right.

    Parameters
    ----------
    confidence
        The mean probability of the first group.
    right
        The share that is right.
    """

    confidence: float
    right: Share


def reliability_diagram(
    log_p: NDArray[np.floating], y: NDArray[np.int64], bins: int = 10
) -> list[ReliabilityBin]:
    """Return the reliability diagram, by bins of as many crystals each."""
    confidence = np.exp(log_p.max(axis=1))
    right = log_p.argmax(axis=1) == y
    order = np.argsort(confidence, kind="stable")
    return [
        ReliabilityBin(float(confidence[rows].mean()), Share.of(right[rows]))
        for rows in np.array_split(order, min(bins, y.size))
    ]


def selective_accuracy(
    log_p: NDArray[np.floating], y: NDArray[np.int64], shares: Sequence[float]
) -> list[Share]:
    """Return the top-1 accuracy where the least confident answers are refused.

    Parameters
    ----------
    log_p
        The log-probabilities, (n, n_groups).
    y
        The true classes, (n,).
    shares
        The shares of answers that are refused, each below 1.
    """
    order = np.argsort(-log_p.max(axis=1), kind="stable")
    right = (log_p.argmax(axis=1) == y)[order]
    return [Share.of(right[: max(round((1 - share) * y.size), 1)]) for share in shares]


@dataclass(frozen=True)
class Coverage:
    """What the prediction sets of a coverage come to.

    Parameters
    ----------
    wanted
        The coverage that was asked for.
    covered
        The share of crystals whose true group is in the set.
    size
        The mean number of groups in a set.
    """

    wanted: float
    covered: Share
    size: float


def coverages(
    calibration: Calibration, log_p: NDArray[np.floating], y: NDArray[np.int64]
) -> list[Coverage]:
    """Return what the prediction sets of each coverage come to."""
    found = []
    for key in calibration.conformal:
        sets = calibration.prediction_sets(log_p, float(key))
        covered = Share.of(sets[np.arange(y.size), y])
        found.append(Coverage(float(key), covered, float(sets.sum(axis=1).mean())))
    return found
