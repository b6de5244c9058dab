"""Stage: predictions for the test part at the reference, and their scores."""

from gromega._util.files import write_json
from gromega._util.parallel import keep_memory, open_cluster
from gromega.crystals.table import read_formulas
from gromega.evaluation.plot_data import write_confusion
from gromega.evaluation.predictions import predict_store
from gromega.evaluation.score import flat, scores
from gromega.lake.splits import read_part
from gromega.model.io import hashes_of, load_model
from gromega.params import Params
from gromega.pipeline.paths import (
    CRYSTALS,
    METRICS,
    MODEL,
    PREDICTIONS,
    REFERENCE_PDFS,
    SPLIT,
)


def evaluate(params: Params) -> None:
    """Make data/predictions/reference.zarr, metrics/reference.json, confusion.csv.

    A cluster predicts if `DASK_SCHEDULER_ADDRESS` names one.
    """
    keep_memory()
    model = load_model(MODEL, compiled=True)
    ids, space_groups = read_part(SPLIT, "test")
    formulas = read_formulas(CRYSTALS, ids) if model.uses_compositions else None
    with open_cluster() as pool:
        found = predict_store(
            model, REFERENCE_PDFS, ids, PREDICTIONS / "reference.zarr", None, formulas,
            hashes_of(MODEL), pool,
        )  # fmt: skip
    write_json(METRICS / "reference.json", flat(scores(found, space_groups)[""]))
    write_confusion(METRICS / "confusion.csv", found, space_groups)
