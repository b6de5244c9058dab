"""Subsamples: how much accuracy varies with the choice of test crystals."""

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
"""The size of a subsample, a tenth of the test part as in the paper; their number."""
Subsamples = dict[str, NDArray[np.float64]]
"""The accuracies of each subsample, (n_subsamples,), by ``top1`` and ``top6``."""


def subsample_rows(
    n: int, count: int = COUNT, share: float = SHARE, seed: int = 0
) -> NDArray[np.int64]:
    """Return the rows of each subsample, (count, n_rows), drawn without replacement.

    Parameters
    ----------
    n
        The number of crystals.
    count
        The number of subsamples.
    share
        The share of the crystals in a subsample; each has at least one crystal.
    seed
        The seed of the random numbers.
    """
    size = max(round(share * n), 1)
    random = np.random.default_rng(seed)
    return np.stack([np.sort(random.permutation(n)[:size]) for _ in range(count)])


def subsample_scores(
    ranks: NDArray[np.int64], valid: NDArray[np.bool_], rows: NDArray[np.int64]
) -> Subsamples:
    """Return the accuracies of subsamples.

    Parameters
    ----------
    ranks
        The rank of the true group of each crystal, (n,); 0 is the first.
    valid
        Whether a crystal counts, (n,).
    rows
        The rows of each subsample, (n_subsamples, n_rows).
    """
    counted = np.maximum(valid[rows].sum(axis=1), 1)
    right = {k: ((ranks < k) & valid)[rows].sum(axis=1) for k in TOP}
    return {f"top{k}": number / counted for k, number in right.items()}


def write_subsamples(path: Path, subsamples: dict[tuple[str, str], Subsamples]) -> None:
    """Write accuracies as parquet with columns sweep, point, subsample, top1, top6.

    Parameters
    ----------
    path
        The file to write.
    subsamples
        The accuracies by name of the sweep and key of the point.
    """
    columns: dict[str, list[object]] = {
        name: [] for name in ("sweep", "point", "subsample", *(f"top{k}" for k in TOP))
    }
    for (sweep, point), accuracies in subsamples.items():
        n = len(accuracies["top1"])
        columns["sweep"] += [sweep] * n
        columns["point"] += [point] * n
        columns["subsample"] += range(n)
        for name, values in accuracies.items():
            columns[name] += values.tolist()
    write_table(pa.table(columns), path)


def read_subsamples(path: Path) -> dict[tuple[str, str], Subsamples]:
    """Return the accuracies in a file of `write_subsamples`."""
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
