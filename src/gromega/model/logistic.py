"""Log-odds that are linear in features, with a ridge penalty."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# Features that vary less are constant: their slopes are zero.
_LEAST_SCALE = 1e-9


def fit_logistic(
    x: ArrayLike, is_one: NDArray[np.bool_], ridge: float, weights: Floats | None = None
) -> Floats:
    """Return the coefficients of the log-odds of a class, see `fit_log_odds`.

    The loss is Σ_i w_i log(1 + exp(-s_i o_i)), where s_i is 1 in the class and -1
    outside: a logistic regression. The penalty keeps the coefficients finite if the
    features separate the classes.

    Parameters
    ----------
    x
        The features, (n, m).
    is_one
        Whether each row is in the class whose log-odds are fitted, (n,).
    ridge
        The penalty.
    weights
        The weights w of the rows, (n,); by default all are 1/n.
    """
    sign = np.where(is_one, 1.0, -1.0)
    w = np.full(sign.size, 1.0 / sign.size) if weights is None else weights

    def loss(odds: Floats) -> tuple[float, Floats]:
        margin = sign * odds
        pull = -sign * w / (1.0 + np.exp(np.minimum(margin, 500.0)))
        return float(w @ np.logaddexp(0.0, -margin)), pull

    return fit_log_odds(x, loss, ridge)


def fit_mixture(x: ArrayLike, zero: Floats, one: Floats, ridge: float) -> Floats:
    """Return the coefficients of the log-odds of a share, see `fit_log_odds`.

    The share u_i is that of the second of two models, and the loss is the mean of
    -log((1 - u) p_zero + u p_one): a mixture of experts (Jacobs et al. 1991).

    Parameters
    ----------
    x
        The features, (n, m).
    zero, one
        The log-probabilities of the truth by both models, (n,).
    ridge
        The penalty.
    """

    def loss(odds: Floats) -> tuple[float, Floats]:
        # log(1 - u) and log(u)
        of_zero, of_one = -np.logaddexp(0.0, odds), -np.logaddexp(0.0, -odds)
        both = np.logaddexp(of_zero + zero, of_one + one)
        pull = np.exp(of_one) - np.exp(of_one + one - both)
        return float(-both.mean()), pull / both.size

    return fit_log_odds(x, loss, ridge)


def fit_log_odds(
    x: ArrayLike, loss: Callable[[Floats], tuple[float, Floats]], ridge: float
) -> Floats:
    """Return the coefficients of log-odds, (m + 1,): a constant, then m slopes.

    They minimise loss(o) + ridge Σ_j b_j² of the log-odds o_i = b_0 + Σ_j b_j z_ij,
    where z are the features at a mean of 0 and a standard deviation of 1. The
    coefficients returned are those of x itself, (n, m). The loss returns a value, and
    its derivative by each of the log-odds, (n,).
    """
    # SciPy's optimizers take a second to import: predictions do without them.
    from scipy import optimize

    x = np.asarray(x, np.float64)
    mean, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > _LEAST_SCALE, scale, 1.0)
    columns = np.column_stack([np.ones(len(x)), (x - mean) / scale])

    def penalised(b: Floats) -> tuple[float, Floats]:
        value, pull = loss(columns @ b)
        slopes = np.r_[0.0, b[1:]]
        return value + ridge * (slopes @ slopes), columns.T @ pull + 2 * ridge * slopes

    start = np.zeros(columns.shape[1])
    b = optimize.minimize(penalised, start, jac=True, method="L-BFGS-B").x
    slopes = b[1:] / scale
    return np.asarray(np.r_[b[0] - slopes @ mean, slopes])
