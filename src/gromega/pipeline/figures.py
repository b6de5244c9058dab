"""Stage: the figures of the crystals and of each sweep."""

import shutil

from gromega._util.files import read_json
from gromega._util.plotting import save_figure
from gromega.evaluation.figures.crystals import crystals_figure
from gromega.evaluation.figures.sweeps import map_figure, sweep_figure
from gromega.evaluation.score import read_points
from gromega.evaluation.subsamples import read_subsamples
from gromega.lake.splits import benchmark_groups
from gromega.model.io import load_model
from gromega.params import Params
from gromega.pipeline.paths import METRICS, MODEL, SPLIT, SUBSAMPLES, SUMMARY


def figures(params: Params) -> None:
    """Make metrics/figures: crystals, and one figure per sweep, as .svg and .png."""
    model = load_model(MODEL)
    shutil.rmtree(METRICS / "figures", ignore_errors=True)
    summary = read_json(SUMMARY)
    save_figure(crystals_figure(summary), METRICS / "figures/crystals")
    subsamples, n_groups = read_subsamples(SUBSAMPLES), benchmark_groups(SPLIT).size
    for sweep in params.sweep.sweeps():
        scores = read_points(METRICS / "sweeps" / sweep.name, sweep.keys())
        n = next(iter(scores.values()))["n"]
        title = (
            f"recipe {model.training['recipe']}, {n_groups} groups, "
            f"{model.training['n_train']:,} training and {n:,} test crystals"
        )
        if len(sweep.axes) == 1:
            boxes = {key: subsamples[sweep.name, key] for key in scores}
            (axis,) = sweep.axes
            figure = sweep_figure(axis, scores, model.trained_over, title, boxes)
        else:
            figure = map_figure(sweep, scores, title)
        save_figure(figure, METRICS / "figures" / sweep.name)
