"""Stage: the report."""

from collections.abc import Sequence
from pathlib import Path

from gromega._util.files import new_path, read_json
from gromega.evaluation.baselines import BASELINES
from gromega.evaluation.compare import compare_runs, predictions_of_run
from gromega.evaluation.predictions import within
from gromega.evaluation.report.facts import read_facts
from gromega.evaluation.report.released import released_model
from gromega.evaluation.report.render import write_report
from gromega.evaluation.report.report import Run, make_report
from gromega.evaluation.subsamples import read_subsamples
from gromega.lake.predictions import read_predictions
from gromega.lake.splits import benchmark_groups
from gromega.model.io import load_model
from gromega.params import Params
from gromega.pipeline import paths


def report(params: Params, compare: Sequence[str] = ()) -> None:
    """Make metrics/report: index.html, report.md, its figures, tables as LaTeX.

    The runs to compare with are git revisions, or folders of other pipelines.
    """
    trained_over = load_model(paths.RELEASED).trained_over
    released = released_model(paths.RELEASED_CURVES, trained_over)
    made = make_report(_read_run(params, compare), released)
    with new_path(paths.REPORT) as folder:
        write_report(folder, made)


def _read_run(params: Params, compare: Sequence[str]) -> Run:
    source = Path(params.crystals.source).name
    facts = read_facts(paths.CRYSTALS, paths.SPLIT, params.split.scheme, source)
    folder, groups = paths.PREDICTIONS, benchmark_groups(paths.SPLIT)
    baselines = {
        title: read_predictions(folder / "baselines" / f"{name}.zarr").log_p[0]
        for name, (title, _) in BASELINES.items()
    }
    everything = read_predictions(folder / "reference.zarr")
    predictions = {"reference": within(everything, groups, facts.all_groups)}
    for sweep in params.sweep.sweeps():
        path = folder / "sweeps" / f"{sweep.name}.zarr"
        found = read_predictions(path, sweep)
        predictions[sweep.name] = within(found, groups, facts.space_groups)
    comparisons = []
    for where in compare:
        with predictions_of_run(where) as theirs:
            table = compare_runs(predictions, theirs, facts.space_groups, where)
            comparisons.append(table)
    novelty = read_json(paths.NOVELTY)
    return Run(
        load_model(paths.MODEL), facts, predictions, read_subsamples(paths.SUBSAMPLES),
        baselines, novelty["scores"], novelty.get("cell_sizes", {}), comparisons,
        everything,
    )  # fmt: skip
