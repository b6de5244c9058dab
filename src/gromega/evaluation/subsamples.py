"""Subsamples: how much accuracy varies with the choice of test crystals."""

from itertools import groupby
from operator import itemgetter
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
_TOPS = tuple(f"top{k}" for k in TOP)
Subsamples = dict[str, NDArray[np.float64]]
"""The accuracies of each subsample, (n_subsamples,), by ``top1`` and ``top6``."""


def subsample_rows(n: int, count: int = COUNT) -> NDArray[np.int64]:
    """Draw the rows of each subsample without replacement, (count, max(n / 10, 1))."""
    size = max(round(SHARE * n), 1)
    random = np.random.default_rng(0)
    return np.stack([np.sort(random.permutation(n)[:size]) for _ in range(count)])


def subsample_scores(
    ranks: NDArray[np.int64], valid: NDArray[np.bool_], rows: NDArray[np.int64]
) -> Subsamples:
    """Return the accuracies of valid crystals by subsample, (n_subsamples, n_rows)."""
    counted = np.maximum(valid[rows].sum(axis=1), 1)
    right = {k: ((ranks < k) & valid)[rows].sum(axis=1) for k in TOP}
    return {f"top{k}": number / counted for k, number in right.items()}


def write_subsamples(path: Path, subsamples: dict[tuple[str, str], Subsamples]) -> None:
    """Write accuracies by sweep and point as parquet, one row for each subsample."""
    names = ("sweep", "point", "subsample", *_TOPS)
    rows = [
        dict(zip(names, (*key, number, *values), strict=True))
        for key, found in subsamples.items()
        for number, values in enumerate(
            zip(*(found[top] for top in _TOPS), strict=True)
        )
    ]
    write_table(pa.Table.from_pylist(rows), path)


def read_subsamples(path: Path) -> dict[tuple[str, str], Subsamples]:
    """Return the accuracies in a file of `write_subsamples`."""
    rows = pq.read_table(path, page_checksum_verification=True).to_pylist()
    found = {}
    for point, group in groupby(rows, itemgetter("sweep", "point")):
        accuracies = [itemgetter(*_TOPS)(row) for row in group]
        found[point] = dict(zip(_TOPS, np.transpose(accuracies), strict=True))
    return found


def subsample_points(
    predictions: StoredPredictions, space_groups: NDArray[np.int64]
) -> dict[tuple[str, str], Subsamples]:
    """Return accuracies of subsamples by name of the sweep and key of the point.

    The subsamples are the same at every point. The true space groups are (n,).
    """
    assert predictions.sweep is not None
    y = classes(predictions.space_groups, space_groups)
    rows = subsample_rows(y.size)
    return {
        (predictions.sweep.name, key): subsample_scores(ranks(log_p, y), valid, rows)
        for key, log_p, valid in predictions.points()
    }
