"""Fetching a collection from a database on the web, with progress on the terminal."""

import csv
from dataclasses import asdict
from functools import partial
from pathlib import Path

from gromega._util.files import new_path
from gromega._util.progress import console, progress_counts
from gromega.crystals.ingest.providers.download import (
    Download,
    Find,
    Read,
    download,
    only_one,
)
from gromega.crystals.ingest.validate import IngestOptions
from gromega.crystals.refusal import Refusal
from gromega.pipeline.collection import (
    NoCrystalError,
    beside,
    summary_files,
    write_collection,
)
from gromega.pipeline.gather import ingest_with_progress

PROVENANCE = ("id", "database", "url", "licence", "last_modified")
"""The columns of the file of provenance, which has a line for each entry."""


def fetched_files(out: Path) -> list[Path]:
    """Return the files that a fetch writes: the table, and those beside it."""
    names = ("quarantine.csv", "provenance.csv")
    return [out, *(beside(out, name) for name in names), *summary_files(out)]


def check_free(out: Path) -> None:
    """Raise ValueError if a fetch would replace a file.

    It may replace what one that found no crystal has left: quarantine and provenance.
    """
    heads = [",".join(Refusal._fields), ",".join(PROVENANCE)]
    for path in fetched_files(out):
        if not path.exists():
            continue
        if path.suffix == ".csv" and path.is_file() and not out.exists():
            with path.open(encoding="utf-8", errors="replace") as file:
                if file.readline().strip() in heads:
                    continue
        raise ValueError(f"{path} exists; use another --out, or --force to replace it.")


def fetch(
    out: Path,
    request: dict[str, str],
    functions: tuple[Find, Read],
    limit: int | None = None,
    options: IngestOptions | None = None,
) -> None:
    """Make a table of crystals from the entries of a database.

    An interrupted download is kept in ``mine-download.jsonl`` beside ``mine.parquet``,
    and resumes. The bytes of the files depend on the responses of the database, not on
    interruptions.

    Parameters
    ----------
    out
        The table to write.
    request, functions, limit
        The request, the functions of the database, and the largest number of entries,
        see `gromega.crystals.ingest.providers.download`.
    options
        Which crystals to accept.

    Raises
    ------
    OSError, ValueError
        If the download fails, see `download`, or no crystal is accepted.
    """
    _, quarantine, provenance, *_ = fetched_files(out)
    path = beside(out, "download.jsonl")
    with only_one(path):
        try:
            with progress_counts("entries") as show:

                def report(count: int, total: int | None) -> None:
                    show(count, f"of {total}" if total is not None else "received")

                received = download(path, request, *functions, limit, report)
        except (KeyboardInterrupt, OSError):
            if path.exists():
                console.print(
                    f"gromega: the entries received so far are kept in {path}; repeat "
                    "the command to resume."
                )
            raise
        _write_provenance(provenance, received)
        examine = partial(
            ingest_with_progress, received.sources(), options=options, what="entries"
        )
        facts = {"fetch": {**asdict(received.database), "request": request}}
        try:
            write_collection(out, quarantine, examine, facts)
        except NoCrystalError:
            path.unlink()
            raise
        path.unlink()


def _write_provenance(path: Path, received: Download) -> None:
    """Write the provenance of each entry as CSV."""
    with (
        new_path(path) as partial,
        partial.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(PROVENANCE)
        for entry in received.entries():
            known = {**entry, "database": received.database.name}
            writer.writerow([known[name] for name in PROVENANCE])
