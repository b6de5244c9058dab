"""Stage: predictions for the test part at the reference, and their scores."""

from gromega._util.files import write_json
from gromega._util.parallel import keep_memory
from gromega.crystals.table import read_formulas
from gromega.evaluation.plot_data import write_confusion
from gromega.evaluation.predictions import predict_store
from gromega.evaluation.score import scores
from gromega.lake.splits import read_part
from gromega.model.io import hashes_of, load_model
from gromega.params import Params
from gromega.pipeline import paths


def evaluate(params: Params) -> None:
    """Make data/predictions/reference.zarr, metrics/reference.json, confusion.csv."""
    keep_memory()
    model = load_model(paths.MODEL, compiled=True)
    ids, space_groups = read_part(paths.SPLIT, "test")
    formulas = read_formulas(paths.CRYSTALS, ids) if model.uses_compositions else None
    out, model_sha256 = paths.PREDICTIONS / "reference.zarr", hashes_of(paths.MODEL)
    found = predict_store(
        model, paths.REFERENCE_PDFS, ids, out, None, formulas, model_sha256
    )
    write_json(paths.METRICS / "reference.json", scores(found, space_groups)[""])
    write_confusion(paths.METRICS / "confusion.csv", found, space_groups)
