"""The quarantine: a CSV file of refused inputs."""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gromega.crystals.refusal import Refusal


@contextmanager
def new_quarantine(path: Path) -> Iterator[Callable[[Refusal], None]]:
    """Open a quarantine for writing, and yield a function that appends a refusal.

    The file appears when the block ends without an error.

    Parameters
    ----------
    path
        The CSV file.
    """
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
