"""Other groups: the probability that a PDF is of none of a model's space groups."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

DECIMALS = 6


@dataclass(frozen=True)
class OtherGroupProbability:
    """The probability that a PDF is of none of a model's space groups.

    It assumes the share of crystals of other groups in the source of the model's.
    """

    probability: float
    share: float


@dataclass(frozen=True)
class OtherGroupFit:
    """The fit of the probability that a PDF is of none of a model's space groups.

    The model is less certain of such PDFs: the log-odds are linear in the entropy
    H = -Σ p log p of the calibrated probabilities, in nats.
    """

    share: float  # of crystals of other groups in the source, which the odds assume
    offset: float  # the log-odds at H = 0
    slope: float  # of the log-odds, per nat
    n: int  # crystals of other groups in the fit

    def probability(self, log_p: ArrayLike) -> NDArray[np.float64]:
        """Return the probability that each PDF is of another group, (n,)."""
        odds = np.exp(self.offset + self.slope * entropy(log_p))
        return np.asarray(odds / (1 + odds))

    def probabilities(self, log_p: ArrayLike) -> list[OtherGroupProbability]:
        """Return `probability` for each PDF, with the share that it assumes."""
        return [
            OtherGroupProbability(p, self.share)
            for p in self.probability(log_p).tolist()
        ]


def entropy(log_p: ArrayLike) -> NDArray[np.float64]:
    """Return -Σ p log p of log-probabilities, (n, n_groups), in nats, (n,)."""
    log_p = np.asarray(log_p, np.float64)
    return np.asarray(-np.sum(np.exp(log_p) * log_p, axis=1))


def fit_other_groups(
    inside: ArrayLike, outside: ArrayLike, share: float
) -> OtherGroupFit:
    """Fit the probability that a PDF is of none of a model's space groups.

    The fit is the logistic function of the entropy with the least mean of -log p,
    where the two kinds of PDFs are weighted by their shares. The calibrated
    log-probabilities, (n, n_groups) and (m, n_groups), are those of PDFs inside and
    outside the model's groups; a ValueError is raised if one is not finite.
    """
    # SciPy's optimizers take a second to import: predictions do without them.
    from scipy import optimize

    h = np.concatenate([entropy(check_log_p(inside)), entropy(check_log_p(outside))])
    other = np.arange(h.size) >= len(np.asarray(inside))
    m = np.count_nonzero(other)
    weights = np.where(other, share / m, (1 - share) / (h.size - m))

    def loss(x: NDArray[np.float64]) -> float:
        log_odds = x[0] + x[1] * h
        return float(weights @ (np.logaddexp(0, log_odds) - other * log_odds))

    found = optimize.minimize(loss, np.array([math.log(share / (1 - share)), 0.0]))
    offset, slope = (round(float(x), DECIMALS) for x in found.x)
    return OtherGroupFit(round(share, DECIMALS), offset, slope, int(m))


def check_log_p(log_p: ArrayLike) -> NDArray[np.float64]:
    """Return finite log-probabilities, (n, n_groups), in double precision."""
    log_p = np.asarray(log_p, np.float64)
    if log_p.ndim != 2 or not np.isfinite(log_p).all():
        raise ValueError(
            "log-probabilities must be finite numbers (n, n_groups), got the shape "
            f"{log_p.shape}; check the network that made them."
        )
    return log_p
