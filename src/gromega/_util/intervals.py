"""Intervals: how far a measured share can be from the true one."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray


def share_interval(
    right: float, n: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Return the interval of Wilson (1927) for a share of n crystals.

    Parameters
    ----------
    right
        How many of them are right.
    n
        How many there are.
    confidence
        The rate at which such intervals hold the true share.

    Raises
    ------
    ValueError
        If there is no crystal, or more are right than there are.
    """
    if n < 1 or not 0 <= right <= n:
        raise ValueError(
            f"a share needs at least one crystal, and no more right than there are; "
            f"got {right} of {n}."
        )
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = right / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # Rounded, an end may lie past the share or past what a share can be.
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
        """Return the share of those that are true, at least one given."""
        low, high = share_interval(int(right.sum()), right.size)
        return cls(float(right.mean()), low, high, right.size)

    def __str__(self) -> str:
        return f"{100 * self.value:.0f} ± {50 * (self.high - self.low):.0f} %"


def paired_interval(
    one: ArrayLike,
    other: ArrayLike,
    confidence: float = 0.95,
    count: int = 2000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Return the difference of two shares of the same crystals, and its interval.

    The interval is that of percentiles of the bootstrap over crystals (Efron 1979),
    which keeps what both models say of a crystal together.

    Parameters
    ----------
    one, other
        Whether each crystal is right, (n,), by two models: the difference is other
        minus one.
    confidence
        The rate at which such intervals hold the true difference.
    count
        The number of bootstrap samples.
    seed
        The seed.

    Raises
    ------
    ValueError
        If they are not of the same crystals.
    """
    if np.shape(one) != np.shape(other) or np.ndim(one) != 1 or not np.size(one):
        raise ValueError(
            f"a difference needs the same crystals, got {np.shape(one)} and "
            f"{np.shape(other)}."
        )
    change = np.asarray(other, float) - np.asarray(one, float)
    # Of a crystal the change is -1, 0 or 1: how many of each is all that counts.
    values, counts = np.unique(change, return_counts=True)
    random = np.random.default_rng(seed)
    drawn: NDArray[np.int64] = random.multinomial(
        change.size, counts / change.size, size=count
    )
    means = drawn @ values / change.size
    low, high = np.quantile(means, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return float(change.mean()), float(low), float(high)
