"""Stage: the report."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gromega._util.files import new_path
from gromega.crystals.table import read_table
from gromega.evaluation.baselines import BASELINES
from gromega.evaluation.compare import compare_runs, predictions_of_run
from gromega.evaluation.report.render import write_report
from gromega.evaluation.report.report import CrystalFacts, make_report
from gromega.evaluation.subsamples import read_subsamples
from gromega.lake.predictions import read_predictions
from gromega.lake.splits import read_part
from gromega.model.io import load_model
from gromega.params import Params
from gromega.pipeline.paths import (
    CRYSTALS,
    MODEL,
    PREDICTIONS,
    REPORT,
    SPLIT,
    SUBSAMPLES,
)


def report(params: Params, compare: Sequence[str] = ()) -> None:
    """Make metrics/report: index.html, report.md, its figures, tables as LaTeX.

    Parameters
    ----------
    params
        The parameters.
    compare
        The other runs to compare with: git revisions, or folders of other pipelines.
    """
    ids, labels = read_part(SPLIT, "test")
    baselines = {
        title: read_predictions(PREDICTIONS / "baselines" / f"{name}.zarr").log_p[0]
        for name, (title, _) in BASELINES.items()
    }
    predictions = {"reference": read_predictions(PREDICTIONS / "reference.zarr")}
    for sweep in params.sweep.sweeps():
        path = PREDICTIONS / "sweeps" / f"{sweep.name}.zarr"
        predictions[sweep.name] = read_predictions(path, sweep)
    comparisons = []
    for where in compare:
        with predictions_of_run(where) as theirs:
            comparisons.append(compare_runs(predictions, theirs, labels, where))
    made = make_report(
        load_model(MODEL), _facts(params, ids, labels), predictions,
        read_subsamples(SUBSAMPLES), baselines, comparisons,
    )  # fmt: skip
    with new_path(REPORT) as folder:
        write_report(folder, made)


def _facts(
    params: Params, ids: NDArray[np.str_], labels: NDArray[np.int64]
) -> CrystalFacts:
    """Return the facts about the crystals of the test part."""
    columns = ["id", "numbers", "structure_type"]
    rows = {row["id"]: row for row in read_table(CRYSTALS, columns).to_pylist()}
    train_ids, train_labels = read_part(SPLIT, "train")
    n_of_type = Counter(rows[name]["structure_type"] for name in train_ids)
    # An empty structure type is unknown, and shared by no two crystals.
    n_of_type.pop("", None)
    tested = [rows[name] for name in ids]
    return CrystalFacts(
        labels,
        np.array([len(row["numbers"]) for row in tested]),
        np.array([n_of_type[row["structure_type"]] for row in tested]),
        np.unique(train_labels, return_counts=True)[1],
        params.split.scheme,
        Path(params.crystals.source).name,
    )
