"""Stage: predictions for the test part at the reference, and their scores."""

import numpy as np

from gromega._util.files import write_json
from gromega._util.parallel import keep_memory, open_cluster
from gromega.crystals.table import read_formulas
from gromega.evaluation.plot_data import write_confusion
from gromega.evaluation.predictions import predict_store, within
from gromega.evaluation.score import flat, scores_at_reference
from gromega.lake.splits import benchmark_groups, read_part
from gromega.model.io import hashes_of, load_model
from gromega.params import Params
from gromega.pipeline import paths


def evaluate(params: Params) -> None:
    """Make data/predictions/reference.zarr, metrics/reference.json, confusion.csv.

    A cluster predicts if `DASK_SCHEDULER_ADDRESS` names one.
    """
    keep_memory()
    model = load_model(paths.MODEL, compiled=True)
    ids, space_groups = read_part(paths.SPLIT, "test")
    formulas = read_formulas(paths.CRYSTALS, ids) if model.uses_compositions else None
    out, model_sha256 = paths.PREDICTIONS / "reference.zarr", hashes_of(paths.MODEL)
    with open_cluster() as pool:
        found = predict_store(
            model, paths.REFERENCE_PDFS, ids, out, None, formulas, model_sha256, pool
        )
    groups = benchmark_groups(paths.SPLIT)
    scores = scores_at_reference(found, groups, space_groups)
    write_json(paths.METRICS / "reference.json", flat(scores))
    benchmark = within(found, groups, space_groups)
    labels = space_groups[np.isin(space_groups, groups)]
    write_confusion(paths.METRICS / "confusion.csv", benchmark, labels)
