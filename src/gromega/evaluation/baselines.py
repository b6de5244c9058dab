"""Baselines: simple methods that predict space groups from the same G(r)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gromega.networks.logits import log_softmax
from gromega.pdf.network_grid import INPUT_R, to_unit

# scikit-learn and SciPy take a second to import: only the functions that fit need them.

NEIGHBOURS = 10
"""The number of training PDFs that `nearest_neighbours` weights."""
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

    The distance is Euclidean, of PDFs scaled to 0 to 1. The probability of a group is
    its share of the weights of the `NEIGHBOURS` nearest, each one over the distance.
    Groups without a neighbour follow by their frequency.

    Parameters
    ----------
    x, y
        The G(r) of the training part on `INPUT_R`, (n, 209), and its classes, (n,).
    test
        The G(r) of the test part, (n_test, 209).
    """
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(x)), algorithm="brute")
    distances, nearest = index.fit(to_unit(x)).kneighbors(to_unit(test))
    return _group_shares(1 / np.maximum(distances, 1e-3), nearest, y, n_groups)


def strain_aligned_neighbours(
    x: _Array, y: NDArray[np.int64], test: _Array, n_groups: int
) -> _Array:
    """Return log-probabilities by the nearest training PDF after a uniform strain.

    The PDFs of isostructural crystals differ mostly by a factor of r, the ratio of
    their lattice constants. The distance of a test PDF from a training PDF is therefore
    the smallest Euclidean one over the strains ε of `STRAINS`, of g(r (1 + ε)) from the
    training g(r), both of unit norm over the r that all strains reach. The parameters
    are those of `nearest_neighbours`.
    """
    # One neighbour has the best top-1 on the 3,376 validation crystals, of 1, 3, 5, 10
    # and 20 neighbours with weights 1/d and 1/d² (experiments/log.md, 2026-11-29).
    # Only the r that stay within the range at every strain.
    least, most = 1 + STRAINS.min(), 1 + STRAINS.max()
    r = INPUT_R[(INPUT_R * least >= INPUT_R[0]) & (INPUT_R * most <= INPUT_R[-1])]
    train = _unit_norm(x @ _resampling(r))
    resampling = [_resampling(r * (1 + strain)) for strain in STRAINS]
    nearest = []
    # By blocks of test PDFs, so that memory stays bounded.
    for start in range(0, len(test), _BLOCK):
        block = test[start : start + _BLOCK]
        best = np.full((len(block), len(train)), -1, np.float32)
        cosine = np.empty_like(best)
        for matrix in resampling:
            np.matmul(_unit_norm(block @ matrix), train.T, out=cosine)
            np.maximum(best, cosine, out=best)
        nearest.append(best.argmax(axis=1))
    rows = np.concatenate(nearest)[:, None]
    return _group_shares(np.ones(rows.shape), rows, y, n_groups)


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


def _group_shares(
    weights: NDArray[np.floating],
    nearest: NDArray[np.int64],
    y: NDArray[np.int64],
    n_groups: int,
) -> _Array:
    """Return log p, (n_test, n_groups), by weights and rows, both (n_test, k)."""
    share = np.zeros((len(nearest), n_groups))
    np.add.at(share, (np.arange(len(nearest))[:, None], y[nearest]), weights)
    share /= share.sum(axis=1, keepdims=True)
    frequency = np.bincount(y, minlength=n_groups) / y.size
    mixed = 0.99 * share + 0.01 * frequency + 1e-9
    return np.asarray(np.log(mixed / mixed.sum(axis=1, keepdims=True)), np.float32)


def _unit_norm(g: _Array) -> _Array:
    norm = np.sqrt((g**2).sum(axis=1, keepdims=True))
    return np.asarray(g / (norm + (norm == 0)), np.float32)


def _resampling(r: NDArray[np.float64]) -> _Array:
    """Return M of g(r) = g @ M, (209, n_r): a cubic spline through `INPUT_R`."""
    from scipy.interpolate import make_interp_spline

    spline = make_interp_spline(INPUT_R, np.eye(INPUT_R.size), k=3)
    return np.ascontiguousarray(spline(r).T, np.float32)


BASELINES: dict[str, tuple[str, Baseline]] = {
    "nearest-neighbours": ("nearest neighbours of G(r)", nearest_neighbours),
    "strain-aligned-neighbours": (
        "nearest neighbour of G(r), ±3 % strain", strain_aligned_neighbours
    ),
    "logistic-regression": ("logistic regression on G(r)", logistic_regression),
}  # fmt: skip
"""The baselines by name of their file: title and function."""
