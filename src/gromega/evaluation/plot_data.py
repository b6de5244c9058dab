"""Tables of accuracies and confusions as CSV, for ``dvc plots``."""

import csv
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gromega._util.files import write_whole
from gromega.evaluation.score import TOP, WITH_COMPOSITION, Scores
from gromega.lake.predictions import StoredPredictions

if TYPE_CHECKING:
    # Scores at the reference must not depend on the axes that exist.
    from gromega.sweeps import Axis


def write_curve(path: Path, axis: "Axis", scores: dict[str, Scores]) -> None:
    """Write the accuracies along an axis as CSV, one row per value.

    The columns are ``value``, ``top1``, ``top6`` and, where they were scored,
    ``top1_with_composition`` and ``top6_with_composition``. A value is a number in the
    unit of the axis, or a name along the axis of the radiation. The scores are by key
    of the value, as `gromega.evaluation.score.scores` returns them.
    """
    tops = [f"top{k}" for k in TOP]
    head = ["value", *tops]
    rows = [
        [value, *(scores[axis.key(value)][top] for top in tops)]
        for value in axis.values
    ]
    if all(WITH_COMPOSITION in score for score in scores.values()):
        head += [f"{top}_{WITH_COMPOSITION}" for top in tops]
        for row in rows:
            known = scores[axis.key(row[0])][WITH_COMPOSITION]
            row += [known[top] for top in tops]
    _write(path, head, rows)


def write_confusion(
    path: Path, predictions: StoredPredictions, space_groups: NDArray[np.int64]
) -> None:
    """Write true and predicted space groups as CSV, one row per test crystal.

    The columns are ``actual`` and ``predicted``, as DVC's template ``confusion`` takes
    them. The predictions are those at the reference; the true space groups are (n,).
    """
    predicted = predictions.space_groups[predictions.log_p[0].argmax(axis=1)]
    rows = zip(space_groups.tolist(), predicted.tolist(), strict=True)
    _write(path, ["actual", "predicted"], rows)


def _write(path: Path, head: list[str], rows: Iterable[Iterable[object]]) -> None:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    write_whole(path, text.getvalue())
