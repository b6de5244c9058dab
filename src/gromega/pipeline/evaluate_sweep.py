"""Stage: predictions for the benchmark along every sweep, and their scores."""

import shutil
from functools import partial

from gromega._util.parallel import keep_memory, open_cluster
from gromega._util.progress import progress_bar
from gromega.crystals.table import read_formulas
from gromega.evaluation.plot_data import write_curve
from gromega.evaluation.predictions import predict_store, within
from gromega.evaluation.score import scores, write_points
from gromega.evaluation.subsamples import Subsamples, subsample_points, write_subsamples
from gromega.lake.predictions import read_predictions
from gromega.lake.reuse import make_or_reuse
from gromega.lake.splits import benchmark_groups, read_benchmark
from gromega.lake.store import manifest_hash
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
    """Make data/predictions/sweeps, data/subsamples.parquet, metrics/sweeps, curves.

    PDFs that this model has predicted before are not predicted again.
    """
    keep_memory()
    model, model_sha256 = load_model(MODEL, compiled=True), hashes_of(MODEL)
    groups = benchmark_groups(SPLIT)
    ids, space_groups = read_benchmark(SPLIT, "test")
    formulas = read_formulas(CRYSTALS, ids) if model.uses_compositions else None
    folder, metrics = PREDICTIONS / "sweeps", METRICS / "sweeps"
    curves = METRICS / "curves"
    for made in (folder, metrics, curves):
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
    sweeps = params.sweep.sweeps()
    subsamples: dict[tuple[str, str], Subsamples] = {}
    made_from = {"model": model_sha256, "ids": ids.tolist(), "formulas": formulas}
    with progress_bar("sweeps", len(sweeps)) as advance, open_cluster() as pool:
        for sweep in sweeps:
            pdfs, out = SWEEP_PDFS / f"{sweep.name}.zarr", folder / f"{sweep.name}.zarr"
            make_or_reuse(
                out, made_from | {"pdfs": manifest_hash(pdfs)},
                partial(
                    predict_store, model, pdfs, ids, out, sweep, formulas, model_sha256,
                    pool,
                ),
            )  # fmt: skip
            found = within(read_predictions(out, sweep), groups, space_groups)
            scored = scores(found, space_groups)
            write_points(metrics / sweep.name, scored)
            if len(sweep.axes) == 1:
                write_curve(curves / f"{sweep.name}.csv", sweep.axes[0], scored)
            subsamples |= subsample_points(found, space_groups)
            advance(1)
    write_subsamples(SUBSAMPLES, subsamples)
