"""Predictions of the test part, at each condition."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gromega._util.parallel import ordered_map, send
from gromega.lake.pdfs import StoredPDFs
from gromega.lake.predictions import (
    StoredPredictions,
    new_predictions,
    read_predictions,
)
from gromega.lake.store import manifest_hash
from gromega.model.model import Model
from gromega.networks.logits import among, classes

if TYPE_CHECKING:
    # Which axes exist must not change what the evaluation at the reference depends on.
    from gromega.sweeps import Sweep

# PDFs that go to the model at a time.
_ROWS = 4096


def predict_store(
    model: Model,
    pdfs: Path,
    ids: NDArray[np.str_],
    out: Path,
    sweep: "Sweep | None" = None,
    compositions: Sequence[str] | None = None,
    model_sha256: Mapping[str, str] | None = None,
    pool: Executor | None = None,
) -> StoredPredictions:
    """Predict the space groups of n crystals from a store of PDFs, and write them.

    Without a sweep, the store is that of the reference. Given the n compositions, each
    crystal is predicted a second time with its own. `model_sha256` is that of
    `hashes_of`. The pool is a cluster; None is this machine. A store without a crystal,
    or of another sweep, raises ValueError.
    """
    stored = StoredPDFs(pdfs, ids, sweep)
    n_points, n_groups = len(stored.valid), model.space_groups.size
    step = max(_ROWS // n_points, 1)

    def blocks() -> Iterator[tuple[NDArray[np.float32], Sequence[str] | None]]:
        for start in range(0, ids.size, step):
            rows = slice(start, start + step)
            known = None if compositions is None else compositions[rows]
            yield stored.read(rows), known

    empty = np.empty((n_points, 0, n_groups), np.float32)
    facts = StoredPredictions(
        ids, model.space_groups, empty, stored.valid, sweep, None, model_sha256 or {}
    )
    inputs = {pdfs.name: manifest_hash(pdfs)}
    with new_predictions(out, facts, compositions is not None, inputs) as add:
        for log_p, given in ordered_map(pool, _predict, blocks(), send(pool, model)):
            add(log_p, given)
    return read_predictions(out, sweep)


def within(
    predictions: StoredPredictions, groups: NDArray[np.int64], labels: NDArray[np.int64]
) -> StoredPredictions:
    """Return the predictions for the crystals of some groups, among these alone.

    The probabilities are those of the groups, (k,), if no other is possible; the labels
    are the true space groups, (n,).
    """
    if np.array_equal(groups, predictions.space_groups):
        return predictions
    columns = classes(predictions.space_groups, groups)
    rows, known = np.isin(labels, groups), predictions.log_p_with_composition
    if known is not None:
        known = among(known[:, rows], columns)
    return replace(
        predictions,
        ids=predictions.ids[rows],
        space_groups=groups,
        log_p=among(predictions.log_p[:, rows], columns),
        valid=predictions.valid[:, rows],
        log_p_with_composition=known,
    )


def predict_points(
    model: Model, g: NDArray[np.float32], compositions: Sequence[str] | None
) -> tuple[NDArray[np.floating], NDArray[np.floating] | None]:
    """Return log-probabilities of n crystals at points, without and with compositions.

    G is (n_points, n, 209); the log-probabilities are (n_points, n, n_groups).
    """
    n_points, n, n_r = g.shape
    # Crystal by crystal, so that each composition is looked up once.
    x = g.swapaxes(0, 1).reshape(-1, n_r)
    given = None
    if compositions is not None:
        given = [each for each in compositions for _ in range(n_points)]
    without, known = (
        None if log_p is None else log_p.reshape(n, n_points, -1).swapaxes(0, 1)
        for log_p in model.without_and_with_composition(x, given)
    )
    assert without is not None
    return without, known


def _predict(
    model: Model, block: tuple[NDArray[np.float32], Sequence[str] | None]
) -> tuple[NDArray[np.floating], NDArray[np.floating] | None]:
    return predict_points(model, *block)
