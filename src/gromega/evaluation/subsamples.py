"""Subsamples: how far accuracy moves with the crystals that happen to be tested."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gromega.crystals.table import write_table
from gromega.evaluation.score import TOP
from gromega.lake.predictions import StoredPredictions
from gromega.networks.logits import classes, ranks

SHARE, COUNT = 0.1, 100
"""A draw is a tenth of the test part, as in the paper; so many are made."""
Subsamples = dict[str, NDArray[np.float64]]
"""The accuracies of each draw, (n_draws,), by ``top1`` and ``top6``."""


def subsample_rows(
    n: int, count: int = COUNT, share: float = SHARE, seed: int = 0
) -> NDArray[np.int64]:
    """Return the rows of each draw, (count, n_rows), without a row twice in a draw.

    Parameters
    ----------
    n
        The number of crystals.
    count
        The number of draws.
    share
        The share of the crystals in a draw, at least one.
    seed
        The seed.
    """
    size = max(round(share * n), 1)
    random = np.random.default_rng(seed)
    return np.stack([np.sort(random.permutation(n)[:size]) for _ in range(count)])


def subsample_scores(
    ranks: NDArray[np.int64], seen: NDArray[np.bool_], rows: NDArray[np.int64]
) -> Subsamples:
    """Return the accuracies of draws.

    Parameters
    ----------
    ranks
        The rank of the true group of each crystal, 0 the first, (n,).
    seen
        Which crystals count, (n,).
    rows
        The rows of each draw, (n_draws, n_rows).
    """
    counted = np.maximum(seen[rows].sum(axis=1), 1)
    right = {k: ((ranks < k) & seen)[rows].sum(axis=1) for k in TOP}
    return {f"top{k}": number / counted for k, number in right.items()}


def write_subsamples(path: Path, draws: dict[tuple[str, str], Subsamples]) -> None:
    """Write the accuracies of draws as parquet: sweep, point, draw, top1, top6.

    Parameters
    ----------
    path
        The file to write.
    draws
        The accuracies by name of the sweep and key of the point.
    """
    columns: dict[str, list[object]] = {
        name: [] for name in ("sweep", "point", "draw", *(f"top{k}" for k in TOP))
    }
    for (sweep, point), accuracies in draws.items():
        n = len(accuracies["top1"])
        columns["sweep"] += [sweep] * n
        columns["point"] += [point] * n
        columns["draw"] += range(n)
        for name, values in accuracies.items():
            columns[name] += values.tolist()
    write_table(pa.table(columns), path)


def read_subsamples(path: Path) -> dict[tuple[str, str], Subsamples]:
    """Return the accuracies that `write_subsamples` wrote."""
    columns = pq.read_table(path).to_pydict()
    names = [f"top{k}" for k in TOP]
    found: dict[tuple[str, str], dict[str, list[float]]] = {}
    for i, point in enumerate(zip(columns["sweep"], columns["point"], strict=True)):
        lists = found.setdefault(point, {name: [] for name in names})
        for name in names:
            lists[name].append(columns[name][i])
    return {
        point: {name: np.array(values) for name, values in lists.items()}
        for point, lists in found.items()
    }


def subsample_points(
    predictions: StoredPredictions, space_groups: NDArray[np.int64]
) -> dict[tuple[str, str], Subsamples]:
    """Return the accuracies of subsamples at each point of a sweep.

    The subsamples are the same at every point.

    Parameters
    ----------
    predictions
        The predictions along a sweep.
    space_groups
        The true space groups, (n,).

    Returns
    -------
    The accuracies by name of the sweep and key of the point.
    """
    assert predictions.sweep is not None
    y = classes(predictions.space_groups, space_groups)
    rows = subsample_rows(y.size)
    return {
        (predictions.sweep.name, key): subsample_scores(ranks(log_p, y), valid, rows)
        for key, log_p, valid in predictions.points()
    }
