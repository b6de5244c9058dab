"""Predictions of the test part, at each condition."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gromega.lake.pdfs import read_pdfs, read_sweep_pdfs
from gromega.lake.predictions import StoredPredictions, write_predictions
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
) -> StoredPredictions:
    """Predict the space groups of n crystals from a store of PDFs, and write them.

    Without a sweep, the store is that of the reference. Given the n compositions, each
    crystal is predicted a second time with its own. `model_sha256` is that of
    `hashes_of`. A store without a crystal, or of another sweep, raises ValueError.
    """
    if sweep is None:
        g, valid = read_pdfs(pdfs, ids)[None], np.ones(ids.size, bool)
    else:
        g, valid = read_sweep_pdfs(pdfs, ids, sweep)
    n_points, n_groups = len(g), model.space_groups.size
    log_p = np.empty((n_points, ids.size, n_groups), np.float32)
    with_composition = None if compositions is None else np.empty_like(log_p)
    step = max(_ROWS // n_points, 1)
    for start in range(0, ids.size, step):
        rows = slice(start, start + step)
        # Crystal by crystal, so that each composition is looked up once.
        x = g[:, rows].swapaxes(0, 1).reshape(-1, g.shape[-1])
        known = compositions and np.repeat(compositions[rows], n_points).tolist()
        both = model.without_and_with_composition(x, known)
        for into, found in zip((log_p, with_composition), both, strict=True):
            if into is not None and found is not None:
                shaped = found.reshape(-1, n_points, n_groups)
                into[:, rows] = shaped.swapaxes(0, 1)
    predictions = StoredPredictions(
        ids, model.space_groups, log_p, valid.reshape(n_points, -1), sweep,
        with_composition, model_sha256 or {},
    )  # fmt: skip
    write_predictions(out, predictions, {pdfs.name: manifest_hash(pdfs)})
    return predictions
