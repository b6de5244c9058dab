"""Ingest: a collection of any kind in, a table of crystals and a quarantine out."""

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gromega._util.parallel import ordered_map
from gromega.crystals.ingest.duplicates import KnownFingerprints
from gromega.crystals.ingest.quarantine import new_quarantine
from gromega.crystals.ingest.validate import IngestOptions
from gromega.crystals.ingest.worker import Limits, Sandbox
from gromega.crystals.io.archives import MEBIBYTE, Source, check_paths, find_sources
from gromega.crystals.refusal import Reason, Refusal
from gromega.crystals.table import SCHEMA, new_table

# Files that one call examines: enough to be worth the way to another machine.
BATCH_FILES, BATCH_BYTES = 16, 4 * MEBIBYTE
Record = dict[str, Any]


@dataclass
class Tally:
    """How far an ingest has come.

    Parameters
    ----------
    files
        The number of files.
    taken
        The number of crystals that are in the table.
    refused
        The number of refusals by reason.
    stated
        The number of crystals whose file states a space group other than P1.
    agree
        Of those, the number for which spglib finds the same at 0.01 Å.
    """

    files: int = 0
    taken: int = 0
    refused: Counter[Reason] = field(default_factory=Counter)
    stated: int = 0
    agree: int = 0

    def count(self, record: Record, refusal: Refusal | None) -> None:
        """Count a record."""
        if "space_group" in record and record["stated"]:
            self.stated += 1
            self.agree += record["stated"] == record["space_group"]
        if refusal:
            self.refused[refusal.reason] += 1
        else:
            self.taken += 1

    def summary(self) -> dict[str, Any]:
        """Return the counts as JSON keeps them, reasons in the order of the list."""
        reasons = {r.value: self.refused[r] for r in Reason if self.refused[r]}
        return {
            "files": self.files,
            "taken": self.taken,
            "refused": reasons,
            "stated": self.stated,
            "agree": self.agree,
        }


def ingest(
    paths: Sequence[Path],
    out: Path,
    quarantine: Path,
    pool: Executor,
    options: IngestOptions | None = None,
    limits: Limits | None = None,
    report: Callable[[Tally], None] | None = None,
) -> Tally:
    """Make a table of crystals from a collection, and return the counts.

    Every crystal of the collection ends in the table or in the quarantine. The bytes of
    both depend on the collection and the options, not on what does the work.

    Parameters
    ----------
    paths
        Files, folders and archives, see `gromega.crystals.io.archives`.
    out
        The table to write, see `gromega.crystals.table.SCHEMA`.
    quarantine
        The CSV file to write: file, block, reason and detail of each refusal.
    pool
        What examines files, of `gromega._util.parallel.open_pool`.
    options
        What is taken.
    limits
        The time and memory that one crystal may take.
    report
        Called with the counts after every few files.

    Raises
    ------
    FileNotFoundError
        If a path does not exist.
    ValueError
        If a path is a file of another kind, or a table lacks a column.
    """
    check_paths(paths)
    tally, known, names = Tally(), KnownFingerprints(), _Names()
    rows: list[Record] = []
    last = ""
    examine = _Examine(options or IngestOptions(), limits or Limits())
    batches = _batches(find_sources(paths))
    try:
        with new_table(out) as write, new_quarantine(quarantine) as refuse:
            for batch in ordered_map(pool, examine, batches):
                for file, records in batch:
                    tally.files += file != last
                    last = file
                    for record in records:
                        found = _take(file, record, len(records), known, names)
                        refusal = found if isinstance(found, Refusal) else None
                        tally.count(record, refusal)
                        if isinstance(found, Refusal):
                            refuse(found)
                        else:
                            rows.append(found)
                columns = {name: [row[name] for row in rows] for name in SCHEMA.names}
                write(pa.table(columns, schema=SCHEMA))
                rows.clear()
                if report:
                    report(tally)
    finally:
        examine.close()
    return tally


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
    """Examines files, in a sandbox that each thread keeps while it is the same run."""

    options: IngestOptions
    limits: Limits
    run: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __call__(self, batch: list[Source]) -> list[tuple[str, list[Record]]]:
        sandbox = self._sandbox()
        options = asdict(self.options)
        found = []
        for source in batch:
            if source.refusal:
                _, block, reason, detail = source.refusal
                refused = {"block": block, "reason": reason.value, "detail": detail}
                records = [refused]
            else:
                answers = sandbox.examine(source.kind, source.content, options)
                records = list(answers)
            found.append((source.name, records))
        return found

    def _sandbox(self) -> Sandbox:
        run, sandbox = getattr(_local, "kept", ("", None))
        if sandbox is None or run != self.run:
            if sandbox is not None:
                # On a cluster, what an earlier run left.
                sandbox.close()
            sandbox = Sandbox(self.limits)
            _local.kept = self.run, sandbox
            _open.setdefault(self.run, []).append(sandbox)
        return sandbox

    def close(self) -> None:
        """End the sandboxes of this run in this process, and what they examine."""
        for sandbox in _open.pop(self.run, []):
            sandbox.close()


_local = threading.local()
_open: dict[str, list[Sandbox]] = {}


class _Names:
    """Ids, each once: what comes again has a number."""

    def __init__(self) -> None:
        self._times: Counter[str] = Counter()

    def new(self, name: str) -> str:
        self._times[name] += 1
        n = self._times[name]
        return name if n == 1 else self.new(f"{name}~{n}")


def _take(
    file: str, record: Record, n_blocks: int, known: KnownFingerprints, names: _Names
) -> Record | Refusal:
    """Return the row of a record, or its refusal."""
    block = record["block"]
    if "reason" in record:
        return Refusal(file, block, Reason(record["reason"]), record["detail"])
    name = block if "id" in record else file if n_blocks == 1 else f"{file}#{block}"
    name = names.new(name)
    same = known.find(
        name,
        record["formula"],
        record["structure_type"],
        np.array(record["fingerprint"], np.float32),
    )
    if same is not None:
        return Refusal(file, block, Reason.DUPLICATE, f"of {same}")
    row = {column: record.get(column) for column in SCHEMA.names}
    return row | {"id": name, "source": file}
