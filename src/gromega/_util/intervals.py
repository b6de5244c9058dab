"""Confidence intervals of measured shares and of their differences."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gromega._util.formatting import percent_with_range


def share_interval(
    right: float, n: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Return the confidence interval of a share of n crystals (Wilson 1927).

    Parameters
    ----------
    right
        The number of crystals with a correct prediction.
    n
        The number of crystals.
    confidence
        The confidence level.

    Raises
    ------
    ValueError
        If n is below 1, or `right` is not between 0 and n.
    """
    if n < 1 or not 0 <= right <= n:
        raise ValueError(
            f"a share needs n ≥ 1 and 0 ≤ right ≤ n, got {right} of {n}; "
            "count the same crystals in both."
        )
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = right / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # Rounding errors can put an end beyond the share, or outside 0 to 1.
    return min(share, max(middle - half, 0.0)), max(share, min(middle + half, 1.0))


@dataclass(frozen=True)
class Share:
    """A share of crystals with its 95 % interval.

    Parameters
    ----------
    value
        The share.
    low, high
        The ends of its interval.
    n
        The number of crystals.
    """

    value: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, right: NDArray[np.bool_]) -> "Share":
        """Return the share of true elements of `right`, which has at least one."""
        low, high = share_interval(int(right.sum()), right.size)
        return cls(float(right.mean()), low, high, right.size)

    def __str__(self) -> str:
        return percent_with_range(self.value, self.low, self.high, digits=0)


def paired_interval(
    one: ArrayLike,
    other: ArrayLike,
    confidence: float = 0.95,
    count: int = 2000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Return the difference of two shares of the same crystals, and its interval.

    The interval is the percentile bootstrap over crystals (Efron 1979). Resampling
    crystals keeps the two predictions of a crystal together.

    Parameters
    ----------
    one, other
        Whether the prediction of each crystal is correct, (n,), by two models. The
        difference is other minus one.
    confidence
        The confidence level.
    count
        The number of bootstrap samples.
    seed
        The seed of the random numbers.

    Raises
    ------
    ValueError
        If the shapes differ, or there is no crystal.
    """
    if np.shape(one) != np.shape(other) or np.ndim(one) != 1 or not np.size(one):
        raise ValueError(
            f"a paired difference needs two arrays of one shape (n,), n ≥ 1, got "
            f"{np.shape(one)} and {np.shape(other)}; pass the same crystals twice."
        )
    change = np.asarray(other, float) - np.asarray(one, float)
    # The change of a crystal is -1, 0 or 1, so only the three counts matter.
    values, counts = np.unique(change, return_counts=True)
    random = np.random.default_rng(seed)
    resampled: NDArray[np.int64] = random.multinomial(
        change.size, counts / change.size, size=count
    )
    means = resampled @ values / change.size
    low, high = np.quantile(means, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return float(change.mean()), float(low), float(high)
