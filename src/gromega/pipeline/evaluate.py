"""Stages: what the model answers to the test part, and how often it is right."""

import shutil

from gromega._util.files import write_json
from gromega._util.parallel import keep_memory
from gromega._util.progress import progress_bar
from gromega.evaluation import score as accuracy
from gromega.evaluation.predictions import answer
from gromega.evaluation.subsamples import (
    subsample_rows,
    subsample_scores,
    write_subsamples,
)
from gromega.lake.splits import read_part
from gromega.model.io import hashes_of, load_model
from gromega.networks.logits import classes, ranks
from gromega.params import Params
from gromega.pipeline.parts import formulas_of
from gromega.pipeline.paths import (
    METRICS,
    MODEL,
    PREDICTIONS,
    REFERENCE_PDFS,
    SPLIT,
    SUBSAMPLES,
    SWEEP_PDFS,
)


def evaluate(params: Params) -> None:
    """Make data/predictions/reference.zarr and metrics/reference.json."""
    keep_memory()
    model = load_model(MODEL, compiled=True)
    ids, labels = read_part(SPLIT, "test")
    told = formulas_of(ids) if model.uses_compositions else None
    out = PREDICTIONS / "reference.zarr"
    found = answer(model, REFERENCE_PDFS, ids, out, told, hashes_of(MODEL))
    write_json(METRICS / "reference.json", accuracy.scores(found, labels)[""])


def evaluate_sweep(params: Params) -> None:
    """Make data/predictions/sweeps, data/subsamples.parquet and metrics/sweeps."""
    keep_memory()
    model = load_model(MODEL, compiled=True)
    ids, labels = read_part(SPLIT, "test")
    told = formulas_of(ids) if model.uses_compositions else None
    y = classes(model.space_groups, labels)
    folder = PREDICTIONS / "sweeps"
    for made in (METRICS / "sweeps", folder):
        shutil.rmtree(made, ignore_errors=True)
    folder.mkdir(parents=True)
    rows = subsample_rows(ids.size)
    drawn = {}
    sweeps, by = params.sweep.sweeps(), hashes_of(MODEL)
    with progress_bar("sweeps", len(sweeps)) as advance:
        for sweep in sweeps:
            name = f"{sweep.name}.zarr"
            found = answer(model, SWEEP_PDFS / name, ids, folder / name, told, by)
            scores = accuracy.scores(found, labels)
            write_json(METRICS / "sweeps" / f"{sweep.name}.json", scores)
            for key, log_p, seen in found.points():
                drawn[sweep.name, key] = subsample_scores(ranks(log_p, y), seen, rows)
            advance(1)
    write_subsamples(SUBSAMPLES, drawn)
