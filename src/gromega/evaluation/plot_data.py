"""Tables of scores and confusions as CSV, for ``dvc plots``."""

import csv
from collections.abc import Iterable, Mapping
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gromega._util.files import write_whole
from gromega.evaluation.score import Scores, flat, unflat
from gromega.lake.predictions import StoredPredictions

if TYPE_CHECKING:
    # Scores at the reference must not depend on the axes that exist.
    from gromega.sweeps import Axis


def write_curve(path: Path, axis: "Axis", scores: Mapping[str, Scores]) -> None:
    """Write the scores along an axis as CSV, one row per value.

    The columns are ``value`` and the keys of `gromega.evaluation.score.flat`. A value
    is a number in the unit of the axis, or a name along the axis of the radiation. The
    scores are by key of the value, as `gromega.evaluation.score.scores` returns them.
    """
    rows = {value: flat(scores[axis.key(value)]) for value in axis.values}
    head = ["value", *rows[axis.values[0]]]
    _write(path, head, ([value, *row.values()] for value, row in rows.items()))


def read_curve(path: Path, axis: "Axis") -> tuple["Axis", dict[str, Scores]]:
    """Return an axis with the values in a file of `write_curve`, and the scores."""
    with path.open(newline="") as file:
        rows = {
            row.pop("value"): {key: float(number) for key, number in row.items()}
            for row in csv.DictReader(file)
        }
    names = bool(axis.quantity.choices)
    axis = axis.with_values([value if names else float(value) for value in rows])
    by_key = zip(axis.values, rows.values(), strict=True)
    return axis, {axis.key(value): unflat(row) for value, row in by_key}


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
