"""Stages: what the model answers to the test part, and how often it is right."""

import shutil

from gromega._util.files import write_json
from gromega._util.parallel import keep_memory
from gromega._util.progress import progress_bar
from gromega.evaluation import score as accuracy
from gromega.evaluation.predictions import answer
from gromega.evaluation.subsamples import draw_rows, draw_scores, write_draws
from gromega.lake.splits import read_part
from gromega.model.model import hashes_of, load_model
from gromega.networks.logits import classes, ranks
from gromega.params import Params
from gromega.pipeline.parts import formulas_of
from gromega.pipeline.paths import (
    ANSWERS,
    DRAWS,
    METRICS,
    MODEL,
    REFERENCE,
    SPLIT,
    SWEEPS,
)


def evaluate(params: Params) -> None:
    """Make data/answers/reference.zarr and metrics/reference.json, of the test part."""
    keep_memory()
    model = load_model(MODEL, compiled=True)
    ids, labels = read_part(SPLIT, "test")
    told = formulas_of(ids) if model.uses_compositions else None
    out = ANSWERS / "reference.zarr"
    found = answer(model, REFERENCE, ids, out, told, hashes_of(MODEL))
    write_json(METRICS / "reference.json", accuracy.scores(found, labels)[""])


def evaluate_sweep(params: Params) -> None:
    """Make data/answers/sweeps, data/draws.parquet and metrics/sweeps/<sweep>.json."""
    keep_memory()
    model = load_model(MODEL, compiled=True)
    ids, labels = read_part(SPLIT, "test")
    told = formulas_of(ids) if model.uses_compositions else None
    y = classes(model.space_groups, labels)
    folder = ANSWERS / "sweeps"
    for made in (METRICS / "sweeps", folder):
        shutil.rmtree(made, ignore_errors=True)
    folder.mkdir(parents=True)
    rows = draw_rows(ids.size)
    drawn = {}
    sweeps, by = params.sweep.sweeps(), hashes_of(MODEL)
    with progress_bar("sweeps", len(sweeps)) as advance:
        for sweep in sweeps:
            name = f"{sweep.name}.zarr"
            found = answer(model, SWEEPS / name, ids, folder / name, told, by)
            scores = accuracy.scores(found, labels)
            write_json(METRICS / "sweeps" / f"{sweep.name}.json", scores)
            for key, log_p, seen in found.points():
                drawn[sweep.name, key] = draw_scores(ranks(log_p, y), seen, rows)
            advance(1)
    write_draws(DRAWS, drawn)
