"""A download in pages that is kept on disk until it is complete, and resumes.

The file has one line for each page: the CRC-32 of the rest in hexadecimal, a space, and
JSON. The first line describes the request and the database. A damaged or cut line, and
all lines after it, are dropped and downloaded again.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from zlib import crc32

from filelock import FileLock, Timeout

from gromega.crystals.io.source import Source

VERSION = 1
Entry = dict[str, Any]
"""An entry: ``id``, ``url``, ``licence``, ``last_modified``, ``observed``,
``space_group`` (the stated one, or 0), and ``structure``, which is that of
`gromega.crystals.io.optimade`."""


@dataclass(frozen=True)
class Database:
    """A database, and what it says of itself.

    Parameters
    ----------
    name
        The name of the database.
    base
        The address of its interface.
    first
        The address of the first page of entries.
    licence
        The licence that it states for its entries, or an empty text.
    api_version
        The version of its interface, or an empty text.
    observed
        Whether its crystals are known from experiment, if no entry says so.
    """

    name: str
    base: str
    first: str
    licence: str = ""
    api_version: str = ""
    observed: bool = False


@dataclass(frozen=True)
class Page:
    """The entries of a page, the address of the next one, or an empty text.

    `total` is the number of entries of all pages, if the database states it.
    """

    entries: list[Entry]
    next: str = ""
    total: int | None = None


Find = Callable[[], Database]
Read = Callable[[Database, str], Page]


@dataclass
class Download:
    """A download that is complete, or limited, in a file.

    Parameters
    ----------
    path
        The file.
    database
        The database that the entries come from.
    limit
        The largest number of entries to use, or None.
    """

    path: Path
    database: Database
    limit: int | None = None

    def entries(self) -> Iterator[Entry]:
        """Yield the entries in the order of the pages, repeated ids once."""
        return islice(self._unique(), self.limit)

    def sources(self) -> Iterator[Source]:
        """Yield the entries as sources of crystals, named by their addresses."""
        for entry in self.entries():
            yield Source(entry["url"], "row", json.dumps(entry).encode())

    def _unique(self) -> Iterator[Entry]:
        # Entries move from page to page if others are added meanwhile.
        seen = set()
        for page in _Kept(self.path).pages():
            for entry in page.entries:
                if entry["id"] not in seen:
                    seen.add(entry["id"])
                    yield entry


def download(
    path: Path,
    request: dict[str, str],
    find: Find,
    read: Read,
    limit: int | None = None,
    report: Callable[[int, int | None], None] = lambda count, total: None,
) -> Download:
    """Download all pages of a request, or as many as a limit of entries needs.

    Parameters
    ----------
    path
        The file that keeps the pages. If it exists, the download resumes.
    request
        What identifies the request.
    find, read
        The functions that find the database, and read a page of it.
    report
        A function called with the number of entries so far, and their total if stated.

    Raises
    ------
    OSError
        If the server fails, or another process downloads to the same file.
    ValueError
        If the file keeps another request, the server refuses the request, or has ended
        before all entries that it stated were received.
    """
    kept = _Kept(path)
    database = kept.open(request, find)
    ids: set[str] = set()
    visited: set[str] = set()
    address, total = database.first, None
    pages = kept.pages()
    while address and (limit is None or len(ids) < limit):
        if address in visited:
            raise ValueError(f"{address}: the pages of this database repeat.")
        visited.add(address)
        page = next(pages, None)
        if page is None:
            page = read(database, address)
            kept.append(page)
        ids.update(entry["id"] for entry in page.entries)
        # Some servers name a next page after the last one.
        address = page.next if page.entries else ""
        total = total if page.total is None else page.total
        report(len(ids), total)
    if not ids:
        path.unlink()
        raise ValueError(f"{database.name} has no such structure; check the request.")
    if not address and total is not None and len(ids) < min(total, limit or total):
        raise ValueError(
            f"{database.name} stated {total} entries and sent {len(ids)}, which are "
            f"kept in {path}; delete this file to start anew, or accept them with "
            f"--limit {len(ids)}."
        )
    return Download(path, database, limit)


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Refuse a second download to the same file, until the block ends.

    Raise OSError if another process downloads to it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise OSError(f"{path}: another process downloads to this file.") from None
    try:
        yield
    finally:
        # On Windows a file that is open cannot be removed.
        with suppress(OSError):
            Path(lock.lock_file).unlink()
        lock.release()


@dataclass
class _Kept:
    """The lines of a download on disk, of which `size` bytes are intact."""

    path: Path
    size: int = field(default=0, init=False)
    head: dict[str, Any] = field(default_factory=dict, init=False)

    def open(self, request: dict[str, str], find: Find) -> Database:
        """Return the database of a download; find it unless the file has it."""
        head = next(self._lines(), None) if self.path.exists() else None
        if head is None and self.path.exists() and b"\n" in self.path.read_bytes():
            raise ValueError(f"{self.path}: not a download, or damaged; remove it.")
        if head is not None:
            if head.get("version") != VERSION or head.get("request") != request:
                raise ValueError(
                    f"{self.path} keeps the download of another request "
                    f"({json.dumps(head.get('request'))}); repeat that one, or delete "
                    "this file."
                )
            return Database(**head["database"])
        database = find()
        self.head = {
            "version": VERSION, "request": request, "database": asdict(database)
        }  # fmt: skip
        return database

    def pages(self) -> Iterator[Page]:
        """Yield the pages that are on disk."""
        if self.head:
            return
        lines = self._lines()
        next(lines, None)
        for line in lines:
            yield Page(**line)

    def append(self, page: Page) -> None:
        """Keep a page, instead of whatever is damaged."""
        if self.head and not self.size:
            self._write(self.head)
        self._write(asdict(page))

    def _lines(self) -> Iterator[dict[str, Any]]:
        self.size = 0
        with self.path.open("rb") as file:
            for line in file:
                code, _, text = line.partition(b" ")
                if not line.endswith(b"\n") or code != _code(text):
                    return
                self.size += len(line)
                yield json.loads(text)

    def _write(self, content: dict[str, Any]) -> None:
        text = json.dumps(content).encode() + b"\n"
        with self.path.open("r+b" if self.path.exists() else "wb") as file:
            file.truncate(self.size)
            file.seek(self.size)
            file.write(_code(text) + b" " + text)
        self.size += len(text) + 9


def _code(text: bytes) -> bytes:
    return f"{crc32(text):08x}".encode()
