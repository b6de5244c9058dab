"""The outputs of a network: log-probabilities of classes, checked and ranked."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def log_softmax(x: NDArray[Any]) -> NDArray[Any]:
    """Return x - log Σ exp x along the last axis, in the precision of x."""
    x = x - x.max(axis=-1, keepdims=True)
    log_p: NDArray[Any] = x - np.log(np.exp(x).sum(axis=-1, keepdims=True))
    return log_p


def check_finite(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the outputs of a network; a ValueError if one is not finite."""
    if not np.isfinite(x).all():
        raise ValueError(
            "the network's outputs are not finite (NaN or infinite); check its input, "
            "or train it again with a lower train.rate."
        )
    return x


def classes(
    known: NDArray[np.int64], space_groups: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the classes of space groups, (n,), indices into those of a model.

    A space group that is not a class of the model is a ValueError.
    """
    unknown = np.setdiff1d(space_groups, known)
    if unknown.size:
        raise ValueError(
            f"space group {unknown[0]} is not a class of the model; train a model on "
            "these crystals with 'dvc repro'."
        )
    order = np.argsort(known)
    return order[np.searchsorted(known, space_groups, sorter=order)]


def among(log_p: NDArray[Any], columns: NDArray[np.int64]) -> NDArray[Any]:
    """Return log-probabilities of some of the classes, if no other is possible."""
    if np.array_equal(columns, np.arange(log_p.shape[-1])):
        return log_p
    return log_softmax(log_p[..., columns])


def ranks(log_p: NDArray[np.floating], y: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rank of the true class in each row, from 0, (n,).

    Equally probable classes are ranked in the order of the model, as in `Model.rank`.
    """
    order = np.argsort(-log_p, axis=1, kind="stable")
    return np.asarray(np.argmax(order == y[:, None], axis=1), np.int64)
