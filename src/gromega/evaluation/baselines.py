"""Baselines: what simple methods make of the same input."""

import numpy as np
from numpy.typing import NDArray

from gromega.networks.logits import log_softmax
from gromega.pdf.network_grid import to_unit

NEIGHBOURS = 10
_BLOCK = 1024
_DECAY = 1e-4


def nearest_neighbours(
    x: NDArray[np.float32],
    y: NDArray[np.int64],
    asked: NDArray[np.float32],
    n_groups: int,
) -> NDArray[np.float32]:
    """Return log-probabilities by the nearest training PDFs, (n_asked, n_groups).

    Each of the ten nearest by Euclidean distance, of PDFs scaled to 0 to 1, has a vote
    of the inverse of its distance. Groups without a vote follow by their frequency.

    Parameters
    ----------
    x
        G(r) of the training part, (n, 209).
    y
        Its classes, (n,).
    asked
        G(r) that is asked for, (n_asked, 209).
    n_groups
        The number of classes.
    """
    known, new = to_unit(x), to_unit(asked)
    k = min(NEIGHBOURS, len(known))
    frequency = np.bincount(y, minlength=n_groups) / y.size
    squares = (known**2).sum(axis=1)
    blocks = []
    for start in range(0, len(new), _BLOCK):
        block = new[start : start + _BLOCK]
        distances = squares - 2 * block @ known.T + (block**2).sum(axis=1)[:, None]
        near = np.argpartition(distances, k - 1, axis=1)[:, :k]
        squared = np.take_along_axis(distances, near, axis=1)
        votes = 1 / np.sqrt(np.maximum(squared, 1e-6))
        share = np.zeros((len(block), n_groups))
        np.add.at(share, (np.arange(len(block))[:, None], y[near]), votes)
        blocks.append(share / share.sum(axis=1, keepdims=True))
    mixed = 0.99 * np.concatenate(blocks) + 0.01 * frequency + 1e-9
    return np.log(mixed / mixed.sum(axis=1, keepdims=True)).astype(np.float32)


def logistic_regression(
    x: NDArray[np.float32],
    y: NDArray[np.int64],
    asked: NDArray[np.float32],
    n_groups: int,
) -> NDArray[np.float32]:
    """Return log-probabilities by logistic regression, (n_asked, n_groups).

    The arguments are those of `nearest_neighbours`; PDFs are scaled to 0 to 1, less
    their mean over the training part.
    """
    known, new = to_unit(x), to_unit(asked)
    middle = known.mean(axis=0)
    kernel, bias = _fit_linear(known - middle, y, n_groups)
    return log_softmax((new - middle) @ kernel + bias)


def _fit_linear(
    x: NDArray[np.float32], y: NDArray[np.int64], n_groups: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return kernel, (width, n_groups), and bias of the best linear layer."""
    # It takes a second to import: the report, which knows the names, does without.
    from scipy.optimize import minimize

    n, width = x.shape
    rows = np.arange(n)

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        kernel, bias = _layer(flat, width, n_groups)
        log_p = log_softmax(x @ kernel + bias)
        value = _DECAY * np.sum(kernel**2, dtype=np.float64) - np.mean(
            log_p[rows, y], dtype=np.float64
        )
        slope = np.exp(log_p)
        slope[rows, y] -= 1
        slope /= n
        gradient = [2 * _DECAY * kernel + x.T @ slope, slope.sum(axis=0)]
        return float(value), np.concatenate(gradient, axis=None, dtype=np.float64)

    start = np.zeros((width + 1) * n_groups)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return _layer(found.x, width, n_groups)


def _layer(
    flat: NDArray[np.float64], width: int, n_groups: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    whole = flat.astype(np.float32)
    return whole[: width * n_groups].reshape(width, n_groups), whole[width * n_groups :]


BASELINES = {
    "nearest-neighbours": ("nearest neighbours of G(r)", nearest_neighbours),
    "logistic-regression": ("logistic regression on G(r)", logistic_regression),
}
"""By the name of a file: what they are called, and what computes them."""
