"""Stage: the report."""

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gromega._util.files import put_in_place
from gromega.crystals.table import read_table
from gromega.evaluation.baselines import BASELINES
from gromega.evaluation.compare import comparison, predictions_of
from gromega.evaluation.predictions import read_predictions
from gromega.evaluation.report.document import write_document
from gromega.evaluation.report.report import Tested, make_report
from gromega.evaluation.subsamples import read_subsamples
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
        Other runs to compare with: git revisions, or folders of other pipelines.
    """
    model = load_model(MODEL)
    ids, labels = read_part(SPLIT, "test")
    simple = {
        title: read_predictions(PREDICTIONS / "baselines" / f"{name}.zarr").log_p[0]
        for name, (title, _) in BASELINES.items()
    }
    answers = {"reference": read_predictions(PREDICTIONS / "reference.zarr")}
    for sweep in params.sweep.sweeps():
        path = PREDICTIONS / "sweeps" / f"{sweep.name}.zarr"
        answers[sweep.name] = read_predictions(path)
    others = []
    for where in compare:
        with predictions_of(where) as theirs:
            others.append(comparison(answers, theirs, labels, where))
    made = make_report(
        model,
        _tested(params, ids, labels),
        answers,
        read_subsamples(SUBSAMPLES),
        simple,
        others,
    )
    partial = REPORT.with_name("report.partial")
    shutil.rmtree(partial, ignore_errors=True)
    write_document(partial, made)
    put_in_place(partial, REPORT)


def _tested(params: Params, ids: NDArray[np.str_], labels: NDArray[np.int64]) -> Tested:
    """Return what the report says of the crystals of the test part."""
    columns = ["id", "numbers", "structure_type"]
    rows = {row["id"]: row for row in read_table(CRYSTALS, columns).to_pylist()}
    trained, groups = read_part(SPLIT, "train")
    counts = Counter(rows[name]["structure_type"] for name in trained)
    # Those of no type are like nothing.
    counts.pop("", None)
    tested = [rows[name] for name in ids]
    return Tested(
        labels,
        np.array([len(row["numbers"]) for row in tested]),
        np.array([counts[row["structure_type"]] for row in tested]),
        np.unique(groups, return_counts=True)[1],
        params.split.scheme,
        Path(params.crystals.source).name,
    )
