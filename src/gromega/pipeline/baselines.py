"""Stage: what simple methods answer to the test part."""

import shutil

import numpy as np

from gromega.evaluation.baselines import BASELINES
from gromega.lake.pdfs import read_pdfs
from gromega.lake.predictions import StoredPredictions, write_predictions
from gromega.lake.splits import read_part
from gromega.params import Params
from gromega.pipeline.paths import PREDICTIONS, REFERENCE_PDFS, SPLIT


def baselines(params: Params) -> None:
    """Make data/predictions/baselines, of the test part at the reference."""
    known, labels = read_part(SPLIT, "train")
    ids, _ = read_part(SPLIT, "test")
    groups = np.unique(labels)
    x, asked = read_pdfs(REFERENCE_PDFS, known), read_pdfs(REFERENCE_PDFS, ids)
    folder = PREDICTIONS / "baselines"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, (_, method) in BASELINES.items():
        log_p = method(x, np.searchsorted(groups, labels), asked, groups.size)
        valid = np.ones((1, ids.size), bool)
        found = StoredPredictions(ids, groups, log_p[None], valid)
        write_predictions(folder / f"{name}.zarr", found)
