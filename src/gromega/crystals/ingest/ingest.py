"""Ingest: from a collection to a table of crystals and a quarantine."""

import csv
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gromega._util.files import new_path
from gromega._util.parallel import ordered_map
from gromega.crystals.ingest.duplicates import DuplicateFinder
from gromega.crystals.ingest.validate import IngestOptions
from gromega.crystals.ingest.worker import Limits, WorkerProcess
from gromega.crystals.io.source import MEBIBYTE, Source
from gromega.crystals.refusal import Reason, Refusal
from gromega.crystals.table import SCHEMA, new_table

# The size of a batch: large enough to be worth sending to another machine.
BATCH_FILES, BATCH_BYTES = 16, 4 * MEBIBYTE
Record = dict[str, Any]


@dataclass
class Tally:
    """The counts of an ingest."""

    files: int = 0
    accepted: int = 0
    refused: Counter[Reason] = field(default_factory=Counter)
    stated: int = 0  # crystals whose file states a space group other than P1
    agree: int = 0  # those for which spglib finds the stated group at 0.01 Å
    notes: Counter[str] = field(default_factory=Counter)

    def count(self, record: Record, refusal: Refusal | None) -> None:
        """Add a record to the counts."""
        if "space_group" in record and record["stated"]:
            self.stated += 1
            self.agree += record["stated"] == record["space_group"]
        if refusal:
            self.refused[refusal.reason] += 1
        else:
            self.accepted += 1
            self.notes.update(record.get("notes", ()))

    def summary(self) -> dict[str, Any]:
        """Return the counts for JSON, with reasons in the order of `Reason`."""
        reasons = {r.value: self.refused[r] for r in Reason if self.refused[r]}
        counts = {**vars(self), "refused": reasons, "notes": dict(self.notes)}
        return counts if self.notes else {k: counts[k] for k in counts if k != "notes"}

    def lines(self, what: str = "files") -> list[str]:
        """Return the counts as lines of text; `what` says what was examined."""
        reasons = ", ".join(f"{n} {reason}" for reason, n in self.refused.most_common())
        lines = [
            f"{self.files} {what}: {self.accepted} crystals accepted, "
            f"{self.refused.total()} refused{': ' * bool(reasons)}{reasons}"
        ]
        if self.stated:
            lines.append(
                f"spglib finds the stated space group of {self.agree} of {self.stated} "
                "crystals"
            )
        lines += [f"{n} crystals: {note}" for note, n in sorted(self.notes.items())]
        return lines


def ingest_sources(
    sources: Iterable[Source],
    out: Path,
    quarantine: Path,
    pool: Executor,
    options: IngestOptions | None = None,
    limits: Limits | None = None,
    report: Callable[[Tally], None] | None = None,
) -> Tally:
    """Make a table of crystals from a collection, and return the counts.

    Every crystal goes into the table or into the quarantine. The bytes of both depend
    on the collection and the options, not on the pool.

    Parameters
    ----------
    sources
        The files, see `gromega.crystals.io.find`, or the entries of a database.
    out, quarantine
        The table of `gromega.crystals.table.SCHEMA`, and the CSV file of refusals.
    pool
        The threads or the cluster of `gromega._util.parallel.open_pool`.
    report
        A function called with the counts after each batch of files.
    """
    tally, known, names = Tally(), DuplicateFinder(), _Names()
    rows: list[Record] = []
    last = ""
    examine = _Examine(options or IngestOptions(), limits or Limits())
    batches = _batches(sources)
    try:
        with new_table(out) as write, new_quarantine(quarantine) as refuse:
            for batch in ordered_map(pool, examine, batches):
                for file, records in batch:
                    tally.files += file != last
                    last = file
                    for record in records:
                        row = _accept(file, record, len(records), known, names)
                        refusal = row if isinstance(row, Refusal) else None
                        tally.count(record, refusal)
                        if isinstance(row, Refusal):
                            refuse(row)
                        else:
                            rows.append(row)
                columns = {name: [row[name] for row in rows] for name in SCHEMA.names}
                write(pa.table(columns, schema=SCHEMA))
                rows.clear()
                if report:
                    report(tally)
    finally:
        examine.close()
    return tally


@contextmanager
def new_quarantine(path: Path) -> Iterator[Callable[[Refusal], None]]:
    """Open a quarantine for writing, and yield a function that appends a refusal.

    The file appears when the block ends without an error.
    """
    with (
        new_path(path) as partial,
        partial.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Refusal._fields)
        yield writer.writerow


def is_quarantine(path: Path) -> bool:
    """Return whether a file is a quarantine that an ingest wrote."""
    if not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline().strip() == ",".join(Refusal._fields)


def _batches(sources: Iterable[Source]) -> Iterator[list[Source]]:
    batch: list[Source] = []
    size = 0
    for source in sources:
        batch.append(source)
        size += len(source.content)
        if len(batch) >= BATCH_FILES or size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


@dataclass(frozen=True)
class _Examine:
    """Examine files. Each thread keeps its worker process until the run ends."""

    options: IngestOptions
    limits: Limits
    run: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __call__(self, batch: list[Source]) -> list[tuple[str, list[Record]]]:
        worker = self._worker()
        options = asdict(self.options)
        found = []
        for source in batch:
            if source.refusal:
                _, block, reason, detail = source.refusal
                records = [{"block": block, "reason": reason.value, "detail": detail}]
            else:
                records = list(worker.examine(source.kind, source.content, options))
            found.append((source.name, records))
        return found

    def _worker(self) -> WorkerProcess:
        run, worker = getattr(_local, "kept", ("", None))
        if worker is None or run != self.run:
            if worker is not None:
                # A worker of a cluster outlives a run.
                worker.close()
            worker = WorkerProcess(self.limits)
            _local.kept = self.run, worker
            _open.setdefault(self.run, []).append(worker)
        return worker

    def close(self) -> None:
        """End the worker processes of this run on this machine."""
        for worker in _open.pop(self.run, []):
            worker.close()


_local = threading.local()
_open: dict[str, list[WorkerProcess]] = {}


class _Names:
    """Unique ids: a repeated name gets a number."""

    def __init__(self) -> None:
        self._times: Counter[str] = Counter()

    def new(self, name: str) -> str:
        self._times[name] += 1
        n = self._times[name]
        return name if n == 1 else self.new(f"{name}~{n}")


def _accept(
    file: str, record: Record, n_blocks: int, known: DuplicateFinder, names: _Names
) -> Record | Refusal:
    """Return the row of a record, or its refusal."""
    block = record["block"]
    if "reason" in record:
        return Refusal(file, block, Reason(record["reason"]), record["detail"])
    name = block if "id" in record else file if n_blocks == 1 else f"{file}#{block}"
    name = names.new(name)
    same = known.find_or_add(
        name,
        # The same atoms of other isotopes are another crystal to neutrons.
        f"{record['formula']} {record['isotopes']}",
        record["structure_type"],
        np.array(record["fingerprint"], np.float32),
    )
    if same is not None:
        return Refusal(file, block, Reason.DUPLICATE, f"of {same}")
    row = {column: record.get(column) for column in SCHEMA.names}
    return row | {"id": name, "source": file}
