"""Predictions of the test part, at each condition."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
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

    def blocks() -> Iterator[tuple[NDArray[np.float32], list[str] | None]]:
        for start in range(0, ids.size, step):
            rows = slice(start, start + step)
            # Crystal by crystal, so that each composition is looked up once.
            x = stored.read(rows).swapaxes(0, 1)
            known = None
            if compositions is not None:
                known = [each for each in compositions[rows] for _ in range(n_points)]
            yield x.reshape(-1, x.shape[-1]), known

    def by_point(log_p: NDArray[np.floating]) -> NDArray[np.floating]:
        return log_p.reshape(-1, n_points, n_groups).swapaxes(0, 1)

    empty = np.empty((n_points, 0, n_groups), np.float32)
    facts = StoredPredictions(
        ids, model.space_groups, empty, stored.valid, sweep, None, model_sha256 or {}
    )
    inputs = {pdfs.name: manifest_hash(pdfs)}
    with new_predictions(out, facts, compositions is not None, inputs) as add:
        for log_p, known in ordered_map(pool, _predict, blocks(), send(pool, model)):
            given = None if known is None else by_point(known)
            add(by_point(log_p), given)
    return read_predictions(out, sweep)


def _predict(
    model: Model, block: tuple[NDArray[np.float32], list[str] | None]
) -> tuple[NDArray[np.floating], NDArray[np.floating] | None]:
    return model.without_and_with_composition(*block)
