"""What networks put out: log-probabilities of classes, checked and ranked."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def log_softmax(x: NDArray[Any]) -> NDArray[Any]:
    """Return x - log Σ exp x along the last axis, in the precision of x."""
    x = x - x.max(axis=-1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))


def finite(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what a network gives.

    Raises
    ------
    ValueError
        If it is not finite.
    """
    if not np.isfinite(x).all():
        raise ValueError(
            "the network gives numbers that are not finite; train it anew at a "
            "lower learning rate, or check its input."
        )
    return x


def classes(
    known: NDArray[np.int64], space_groups: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the outputs of a model that stand for some space groups, (n,).

    Parameters
    ----------
    known
        The space groups that the model knows, (n_groups,).
    space_groups
        The space groups asked for, (n,).

    Raises
    ------
    ValueError
        If the model does not know one of them.
    """
    unknown = np.setdiff1d(space_groups, known)
    if unknown.size:
        raise ValueError(
            f"the model does not know the space group {unknown[0]}; train it on the "
            "same crystals with 'dvc repro'."
        )
    order = np.argsort(known)
    return order[np.searchsorted(known, space_groups, sorter=order)]


def ranks(log_p: NDArray[np.floating], y: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rank of the true class in each row, 0 the first, (n,).

    Of classes as probable, the first comes first, as in `Model.rank`.
    """
    order = np.argsort(-log_p, axis=1, kind="stable")
    return np.argmax(order == y[:, None], axis=1)


def top_k(
    log_probabilities: NDArray[np.floating], y: NDArray[np.int64], k: int
) -> float:
    """Return the share of rows whose class is among the k most probable."""
    return float(np.mean(ranks(log_probabilities, y) < k))
