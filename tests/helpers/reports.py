"""A report on a model whose predictions are known."""

import numpy as np
from releasable import CALIBRATION, GROUPS, cell_size_scores, make_model, novelty_scores

from gromega.evaluation.baselines import BASELINES
from gromega.evaluation.report.content import Table
from gromega.evaluation.report.facts import CrystalFacts
from gromega.evaluation.report.report import Run, make_report
from gromega.evaluation.subsamples import subsample_rows, subsample_scores
from gromega.lake.predictions import StoredPredictions
from gromega.networks.logits import ranks
from gromega.sweeps import get_sweep

N = 60
Y = np.arange(N) % 3
FACTS = CrystalFacts(
    space_groups=GROUPS[Y],
    atoms=np.arange(N) % 12 + 1,
    isostructural=np.arange(N) % 5,
    n_train=np.array([100, 400, 900]),
    scheme="random",
    source="synthetic.yaml",
    all_groups=np.array([]),
    all_n_train=np.array([]),
)


def log_p(right):
    """Return log-probabilities that are correct for the first crystals."""
    predicted = np.where(np.arange(N) < right, Y, (Y + 1) % 3)
    return np.log(np.full((N, 3), 0.1) + 0.7 * np.eye(3)[predicted])


def stored(right, sweep=None):
    points = len(sweep.keys()) if sweep else 1
    tiled = np.tile(log_p(right).astype(np.float32), (points, 1, 1))
    ids = np.array([f"c{k}" for k in range(N)])
    return StoredPredictions(ids, GROUPS, tiled, np.ones((points, N), bool), sweep)


def report(
    right=45,
    calibration=CALIBRATION,
    names=("uiso",),
    comparisons=(),
    facts=FACTS,
    released=None,
):
    model = make_model(calibration=calibration)
    predictions = {"reference": stored(right)}
    subsamples = {}
    for sweep in map(get_sweep, names):
        predictions[sweep.name] = stored(right, sweep)
        valid = np.ones(N, bool)
        for key, found, _ in predictions[sweep.name].points():
            accuracies = subsample_scores(ranks(found, Y), valid, subsample_rows(N))
            subsamples[sweep.name, key] = accuracies
    baselines = {title: log_p(12) for title, _ in BASELINES.values()}
    by_novelty = {"reference": {"without_composition": novelty_scores()}}
    cell_sizes = {"reference": cell_size_scores()}
    run = Run(
        model, facts, predictions, subsamples, baselines, by_novelty, cell_sizes,
        comparisons,
    )  # fmt: skip
    return make_report(run, released)


def tables(made, words=""):
    return [
        block
        for section in made.sections
        for block in section.blocks
        if isinstance(block, Table) and words in block.caption
    ]


def row(table, name):
    (found,) = [row for row in table.rows if row[0] == name]
    return found
