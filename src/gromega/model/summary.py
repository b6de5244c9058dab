"""A series of predictions at a glance: one row for each file."""

import csv
from collections.abc import Sequence
from io import StringIO
from typing import TYPE_CHECKING

from gromega.model.candidates import N_SHOWN

if TYPE_CHECKING:
    from gromega.model.cell_size import CellSize
    from gromega.model.prediction import Prediction

COLUMNS = (
    "file", "verdict", "number", "symbol", "probability", "set", "reliability", "top1",
    "composition", "qmax", "assumed", "atoms", "atoms_range", "volume", "volume_range",
    "notes",
)  # fmt: skip
"""The columns of the CSV. Numbers of a set or range and names are separated by spaces,
notes by a vertical bar; top1 is the reliability as a number, and the size of the
primitive cell is in atoms and Å³."""
_HEADINGS = (
    "file", "verdict", "group", "probability", "prediction set", "reliability",
    "composition", "Qmax", "notes",
)  # fmt: skip
_RIGHT = ("probability", "Qmax")
_BETWEEN = " | "
_NONE = "–"


def summary_row(name: str, prediction: "Prediction") -> tuple[str, ...]:
    """Return the row of a file, as text for each of `COLUMNS`."""
    first, found = prediction.groups[0], prediction.reliability
    in_set = [str(c.number) for c in prediction.groups if c.in_set]
    return (
        name,
        prediction.verdict.level,
        str(first.number),
        first.symbol,
        f"{first.probability:.4f}",
        " ".join(in_set),
        prediction.verdict.reliability or "",
        f"{found.top1.value:.4f}" if found else "",
        prediction.composition or "",
        f"{prediction.conditions.qmax:g}",
        " ".join(prediction.assumed),
        *_cell_size(prediction.cell_size),
        _BETWEEN.join(prediction.notes),
    )


def _cell_size(size: "CellSize | None") -> tuple[str, str, str, str]:
    """Return the four columns of the size of the primitive cell."""
    if size is None:
        return "", "", "", ""
    atoms, volume, volumes = size.atoms_range, size.volume, size.volume_range
    return (
        str(size.atoms),
        f"{atoms[0]} {atoms[1]}",
        "" if volume is None else f"{volume:.1f}",
        "" if volumes is None else f"{volumes[0]:.1f} {volumes[1]:.1f}",
    )


def summary_csv(name: str, prediction: "Prediction") -> str:
    """Return the row of a file as a line of CSV."""
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerow(summary_row(name, prediction))
    return text.getvalue()


def summary_table(text: str) -> str:
    """Return the aligned table of a CSV with the columns `COLUMNS`.

    Notes are numbered, and stand once below the table.
    """
    notes: dict[str, int] = {}
    rows = [_cells(row, notes) for row in csv.DictReader(StringIO(text))]
    lines = [_HEADINGS, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shown = [
        "  ".join(
            cell.rjust(width) if heading in _RIGHT else cell.ljust(width)
            for cell, width, heading in zip(line, widths, _HEADINGS, strict=True)
        ).rstrip()
        for line in lines
    ]
    below = [f"note {number}: {note}" for note, number in notes.items()]
    return "\n".join([*shown, *below]) + "\n"


def _cells(row: dict[str, str], notes: dict[str, int]) -> Sequence[str]:
    """Return the cells of a row of the table, and number its notes."""
    found = [note for note in row["notes"].split(_BETWEEN) if note]
    numbers = [str(notes.setdefault(note, len(notes) + 1)) for note in found]
    in_set = row["set"].split()
    more = f" and {len(in_set) - N_SHOWN} more" * (len(in_set) > N_SHOWN)
    reliability = row["reliability"]
    if reliability:
        reliability += f", {100 * float(row['top1']):.0f} %"
    return (
        row["file"],
        row["verdict"],
        f"{row['number']} {row['symbol']}",
        f"{100 * float(row['probability']):.0f} %",
        (", ".join(in_set[:N_SHOWN]) + more) or _NONE,
        reliability or "unknown",
        row["composition"] or _NONE,
        row["qmax"] + " (assumed)" * ("qmax" in row["assumed"].split()),
        ", ".join(numbers) or _NONE,
    )
