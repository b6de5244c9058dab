"""Stage: the predictions of the baselines for the test part."""

import shutil

import numpy as np

from gromega.evaluation.baselines import BASELINES
from gromega.lake.pdfs import read_pdfs
from gromega.lake.predictions import StoredPredictions, write_predictions
from gromega.lake.splits import read_benchmark
from gromega.lake.store import manifest_hash
from gromega.params import Params
from gromega.pipeline.paths import PREDICTIONS, REFERENCE_PDFS, SPLIT


def baselines(params: Params) -> None:
    """Make data/predictions/baselines, of the benchmark at the reference."""
    train_ids, labels = read_benchmark(SPLIT, "train")
    ids, _ = read_benchmark(SPLIT, "test")
    groups, y = np.unique(labels, return_inverse=True)
    x, test = (read_pdfs(REFERENCE_PDFS, each) for each in (train_ids, ids))
    folder = PREDICTIONS / "baselines"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    valid = np.ones((1, ids.size), bool)
    inputs = {REFERENCE_PDFS.name: manifest_hash(REFERENCE_PDFS)}
    for name, (_, baseline) in BASELINES.items():
        log_p = baseline(x, y, test, groups.size)
        found = StoredPredictions(ids, groups, log_p[None], valid)
        write_predictions(folder / f"{name}.zarr", found, inputs)
