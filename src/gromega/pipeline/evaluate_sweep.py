"""Stage: predictions for the test part along every sweep, and their scores."""

import shutil

from gromega._util.files import write_json
from gromega._util.parallel import keep_memory
from gromega._util.progress import progress_bar
from gromega.crystals.table import read_formulas
from gromega.evaluation.plot_data import write_curve
from gromega.evaluation.predictions import predict_store
from gromega.evaluation.score import scores
from gromega.evaluation.subsamples import Subsamples, subsample_points, write_subsamples
from gromega.lake.splits import read_part
from gromega.model.io import hashes_of, load_model
from gromega.params import Params
from gromega.pipeline.paths import (
    CRYSTALS,
    METRICS,
    MODEL,
    PREDICTIONS,
    SPLIT,
    SUBSAMPLES,
    SWEEP_PDFS,
)


def evaluate_sweep(params: Params) -> None:
    """Make data/predictions/sweeps, data/subsamples.parquet, metrics/sweeps, curves."""
    keep_memory()
    model, model_sha256 = load_model(MODEL, compiled=True), hashes_of(MODEL)
    ids, space_groups = read_part(SPLIT, "test")
    formulas = read_formulas(CRYSTALS, ids) if model.uses_compositions else None
    folder, metrics = PREDICTIONS / "sweeps", METRICS / "sweeps"
    curves = METRICS / "curves"
    for made in (folder, metrics, curves):
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
    sweeps = params.sweep.sweeps()
    subsamples: dict[tuple[str, str], Subsamples] = {}
    with progress_bar("sweeps", len(sweeps)) as advance:
        for sweep in sweeps:
            pdfs, out = SWEEP_PDFS / f"{sweep.name}.zarr", folder / f"{sweep.name}.zarr"
            found = predict_store(model, pdfs, ids, out, sweep, formulas, model_sha256)
            scored = scores(found, space_groups)
            write_json(metrics / f"{sweep.name}.json", scored)
            if len(sweep.axes) == 1:
                write_curve(curves / f"{sweep.name}.csv", sweep.axes[0], scored)
            subsamples |= subsample_points(found, space_groups)
            advance(1)
    write_subsamples(SUBSAMPLES, subsamples)
