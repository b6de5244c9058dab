"""Logistic regression with a ridge penalty."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Features that vary less are constant: their slopes are zero.
_LEAST_SCALE = 1e-9


def fit_logistic(
    x: ArrayLike,
    is_one: NDArray[np.bool_],
    ridge: float,
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return the coefficients of the log-odds, (m + 1,): a constant, then m slopes.

    They minimise

        Σ_i w_i log(1 + exp(-s_i (b_0 + Σ_j b_j z_ij))) + ridge Σ_j b_j²,

    where s_i is 1 in the class and -1 outside, and z are the features at a mean of 0
    and a standard deviation of 1. The coefficients returned are those of x itself. The
    penalty keeps them finite if the features separate the classes.

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
    # SciPy's optimizers take a second to import: predictions do without them.
    from scipy import optimize

    x = np.asarray(x, np.float64)
    sign = np.where(is_one, 1.0, -1.0)
    w = np.full(len(x), 1.0 / len(x)) if weights is None else weights
    mean, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > _LEAST_SCALE, scale, 1.0)
    columns = np.column_stack([np.ones(len(x)), (x - mean) / scale])

    def loss(b: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = sign * (columns @ b)
        penalised = np.r_[0.0, b[1:]]
        pull = -sign * w / (1.0 + np.exp(np.minimum(margin, 500.0)))
        value = w @ np.logaddexp(0.0, -margin) + ridge * (penalised @ penalised)
        return float(value), columns.T @ pull + 2.0 * ridge * penalised

    start = np.zeros(columns.shape[1])
    b = optimize.minimize(loss, start, jac=True, method="L-BFGS-B").x
    slopes = b[1:] / scale
    return np.asarray(np.r_[b[0] - slopes @ mean, slopes])
