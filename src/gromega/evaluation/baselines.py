"""Baselines: simple methods that predict space groups from the same G(r)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline

from gromega.networks.logits import log_softmax
from gromega.pdf.network_grid import INPUT_R, to_unit

# scikit-learn takes a second to import: only the functions that fit need it.

NEIGHBOURS = 10
"""The number of nearest training PDFs that vote."""
STRAINS = np.linspace(-0.03, 0.03, 13)
"""The uniform strains that `strain_aligned_neighbours` tries."""
_DECAY = 1e-4
_BLOCK = 512
_Array = NDArray[np.float32]
Baseline = Callable[[_Array, NDArray[np.int64], _Array, int], _Array]


def nearest_neighbours(
    x: _Array, y: NDArray[np.int64], test: _Array, n_groups: int
) -> _Array:
    """Return log-probabilities by the nearest training PDFs, (n_test, n_groups).

    The distance is Euclidean, of PDFs scaled to 0 to 1. Each of the `NEIGHBOURS`
    nearest votes for its group with a weight of one over its distance. Groups without
    a vote follow by their frequency.

    Parameters
    ----------
    x
        The G(r) of the training part on `INPUT_R`, (n, 209).
    y
        The classes of the training part, (n,).
    test
        The G(r) of the test part, (n_test, 209).
    n_groups
        The number of classes.
    """
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(x)), algorithm="brute")
    distances, nearest = index.fit(to_unit(x)).kneighbors(to_unit(test))
    return _vote(distances, nearest, y, n_groups)


def strain_aligned_neighbours(
    x: _Array, y: NDArray[np.int64], test: _Array, n_groups: int
) -> _Array:
    """Return log-probabilities by the nearest training PDFs after a uniform strain.

    Isostructural crystals of different lattice constants have similar PDFs but for a
    factor of r. The distance of a test PDF from a training PDF is therefore the
    smallest Euclidean one over the strains ε of `STRAINS`, of g(r (1 + ε)) from the
    training g(r), both of unit norm. The neighbours vote as in `nearest_neighbours`,
    whose parameters these are. Memory is bounded: `_BLOCK` test PDFs at a time.
    """
    train = _unit_norm(x)
    k = min(NEIGHBOURS, len(train))
    distances, nearest = [], []
    stretches = [_stretch(1 + strain) for strain in STRAINS]
    for start in range(0, len(test), _BLOCK):
        block = test[start : start + _BLOCK]
        best = np.full((len(block), len(train)), -1, np.float32)
        product = np.empty_like(best)
        for stretch in stretches:
            np.matmul(_unit_norm(block @ stretch), train.T, out=product)
            np.maximum(best, product, out=best)
        near = np.argpartition(best, -k, axis=1)[:, -k:]
        cosine = np.take_along_axis(best, near, axis=1).astype(np.float64)
        distances.append(np.sqrt(np.maximum(2 - 2 * cosine, 0)))
        nearest.append(near)
    return _vote(np.concatenate(distances), np.concatenate(nearest), y, n_groups)


def logistic_regression(
    x: _Array, y: NDArray[np.int64], test: _Array, n_groups: int
) -> _Array:
    """Return log-probabilities by multinomial logistic regression, (n_test, n_groups).

    The features are PDFs scaled to 0 to 1, less their mean over the training part. The
    loss is the mean cross entropy plus 10⁻⁴ times the squared weights. The parameters
    are those of `nearest_neighbours`.
    """
    from sklearn.linear_model import LogisticRegression

    train = to_unit(x)
    mean = train.mean(axis=0)
    # scikit-learn minimizes C Σ loss + |w|² / 2.
    classifier = LogisticRegression(C=1 / (2 * _DECAY * y.size), max_iter=2000)
    classifier.fit(train - mean, y)
    scores = np.full((len(test), n_groups), -np.inf)
    scores[:, classifier.classes_] = classifier.predict_log_proba(to_unit(test) - mean)
    return log_softmax(scores.astype(np.float32))


def _vote(
    distances: NDArray[np.floating],
    nearest: NDArray[np.int64],
    y: NDArray[np.int64],
    n_groups: int,
) -> _Array:
    """Return log-probabilities by the votes of the nearest, (n_test, n_groups).

    Parameters
    ----------
    distances
        The distances of the nearest training PDFs, (n_test, k).
    nearest
        Their rows in the training part, (n_test, k).
    y
        The classes of the training part, (n,).
    n_groups
        The number of classes.
    """
    weights = 1 / np.maximum(distances, 1e-3)
    share = np.zeros((len(nearest), n_groups))
    np.add.at(share, (np.arange(len(nearest))[:, None], y[nearest]), weights)
    share /= share.sum(axis=1, keepdims=True)
    frequency = np.bincount(y, minlength=n_groups) / y.size
    mixed = 0.99 * share + 0.01 * frequency + 1e-9
    return np.asarray(np.log(mixed / mixed.sum(axis=1, keepdims=True)), np.float32)


def _unit_norm(g: _Array) -> _Array:
    norm = np.sqrt((g**2).sum(axis=1, keepdims=True))
    return np.asarray(g / (norm + (norm == 0)), np.float32)


def _stretch(factor: float) -> _Array:
    """Return the matrix M of g(r · factor) = g(r) @ M on `INPUT_R`, (209, 209).

    G is interpolated by a cubic spline, and taken as 0 outside of `INPUT_R`.
    """
    spline = make_interp_spline(INPUT_R, np.eye(INPUT_R.size), k=3, axis=0)
    r = factor * INPUT_R
    inside = (r >= INPUT_R[0]) & (r <= INPUT_R[-1])
    weights = np.where(inside[:, None], spline(np.clip(r, *INPUT_R[[0, -1]])), 0)
    return np.ascontiguousarray(weights.T, np.float32)


BASELINES: dict[str, tuple[str, Baseline]] = {
    "nearest-neighbours": ("nearest neighbours of G(r)", nearest_neighbours),
    "strain-aligned-neighbours": (
        "nearest neighbours of G(r), ±3 % strain", strain_aligned_neighbours
    ),
    "logistic-regression": ("logistic regression on G(r)", logistic_regression),
}  # fmt: skip
"""The baselines by name of their file: title and function."""
