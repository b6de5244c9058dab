"""Confidence intervals of measured shares and of their differences."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gromega._util.formatting import in_percent, percent


def share_interval(
    right: float, n: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Return the confidence interval of the share right / n, n ≥ 1 (Wilson 1927)."""
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
    """A share of n crystals with the ends of its 95 % interval."""

    value: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, right: NDArray[np.bool_]) -> "Share":
        """Return the share of true elements of `right`, which has at least one."""
        low, high = share_interval(int(right.sum()), right.size)
        return cls(float(right.mean()), low, high, right.size)

    def cell(self) -> str:
        """Return share and interval in percent, for a table: ``70.7 (69.7–71.7)``."""
        return f"{in_percent(self.value)} ({self._range(1)})"

    def text(self, digits: int = 1) -> str:
        """Return share and interval, for a sentence: ``70.7 % (69.7–71.7 %)``."""
        return f"{percent(self.value, digits)} ({self._range(digits)} %)"

    def _range(self, digits: int) -> str:
        return f"{in_percent(self.low, digits)}–{in_percent(self.high, digits)}"

    def __str__(self) -> str:
        return self.text(0)


def paired_interval(
    one: ArrayLike,
    other: ArrayLike,
    confidence: float = 0.95,
    count: int = 2000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Return the difference of two shares of the same crystals, and its interval.

    The interval is the percentile bootstrap over crystals (Efron 1979), of `count`
    samples. Resampling crystals keeps the two predictions of a crystal together: `one`
    and `other` are whether they are correct, (n,). The difference is other minus one.
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
