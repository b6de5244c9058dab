"""The list of refused inputs, `quarantine.csv`."""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gromega.crystals.refusal import Refusal


@contextmanager
def new_quarantine(path: Path) -> Iterator[Callable[[Refusal], None]]:
    """Yield what adds a line to a CSV file, there if the block ends without error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(Refusal._fields)
            yield writer.writerow
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
