"""Neighbours from embeddings: their directions, spreads and weights."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gromega.model.neighbours import (
    FLOOR,
    SPREADS,
    Neighbours,
    normalised,
    to_directions,
)

COMPONENTS = 128
"""The principal components that are kept: more add nothing to the accuracy."""
# The largest level of a direction: two levels fill a byte.
_LEVELS = 7
# Near the best step for a normal distribution, over its standard deviation (Max, IRE
# Trans. Inf. Theory 6 (1960) 7).
_STEP = 0.36


def build_neighbours(
    embeddings: Sequence[Sequence[NDArray[np.float32]]],
    y: NDArray[np.int64],
    names: Sequence[str],
    n_groups: int,
) -> Neighbours:
    """Return the neighbours of n crystals, before `fit_neighbours`.

    The embeddings, (n, width), are those for each radiation at different conditions;
    the direction of a crystal is the mean over the conditions. The names are ids and
    formulas, such as ``mp-149 Si``.
    """
    sums = [np.sum([to_directions(e) for e in each], axis=0) for each in embeddings]
    mean = to_directions(np.concatenate(sums))
    _, vectors = np.linalg.eigh(mean.T @ mean)
    components = vectors[:, ::-1][:, :COMPONENTS].astype(np.float16)
    directions = to_directions(mean @ components.astype(np.float32))
    steps = _STEP * np.sqrt(np.mean(directions**2, axis=0)) + np.float32(1e-9)
    levels = np.round(directions / steps).clip(-_LEVELS, _LEVELS).astype(np.int8)
    return Neighbours(
        components, levels, steps, y, tuple(names), n_groups, spread=0.04, weight=0.5
    )


def fit_neighbours(
    neighbours: Neighbours,
    log_p: NDArray[np.floating],
    embeddings: NDArray[np.float32],
    y: NDArray[np.int64],
    compositions: Sequence[str],
) -> Neighbours:
    """Return the neighbours with the spreads and weights that fit some PDFs best.

    The log-probabilities of the network, (n, n_groups), embeddings, (n, width), classes
    and compositions are those of PDFs of crystals that are in neither training nor
    neighbours.
    """
    spread, weight = _fit(neighbours, log_p, embeddings, y, None)
    both = _fit(neighbours, log_p, embeddings, y, compositions)
    return replace(neighbours, spread=spread, weight=weight, with_composition=both)


def _fit(
    neighbours: Neighbours,
    log_p: NDArray[np.floating],
    embeddings: NDArray[np.float32],
    y: NDArray[np.int64],
    compositions: Sequence[str] | None,
) -> tuple[float, float]:
    """Return the spread and weight with the least mean of -log p(y)."""
    # SciPy's optimizers take a second to import: predictions do without them.
    from scipy import optimize

    best = (np.inf, 0.0, 0.0)
    for spread in SPREADS:
        shares = neighbours.weights(embeddings, spread, compositions)
        log_shares = np.log(shares + FLOOR)

        def loss(weight: float, log_shares: NDArray[np.float32] = log_shares) -> float:
            mixed = normalised((1 - weight) * log_p + weight * log_shares)
            return -float(mixed[np.arange(y.size), y].mean(dtype=np.float64))

        found = optimize.minimize_scalar(loss, bounds=(0, 1), method="bounded")
        best = min(best, (float(found.fun), spread, round(float(found.x), 4)))
    return best[1], best[2]
