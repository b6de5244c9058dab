"""Finding the files of a collection: folders, archives, tables and single files.

Archives are read as a stream, and nothing is written to disk. Links, paths that lead
outside the archive, archives within archives, and archives that inflate too much are
refused.
"""

import bz2
import gzip
import json
import lzma
import stat
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from gromega.crystals.io.source import (
    MAX_RATIO,
    MEBIBYTE,
    Budget,
    Source,
    kind_of,
    metered,
    printable,
    read_source,
    refused,
)
from gromega.crystals.refusal import Reason, Refusal, RefusedError
from gromega.crystals.table import row_batches

MAX_FILES = 10_000_000
# The largest total size of the files of an archive.
MAX_TOTAL = 1_000_000 * MEBIBYTE
READ = ("cif", "poscar")
OTHER_KIND = "neither a CIF nor a POSCAR file, by its name"


def find_sources(paths: Sequence[Path]) -> Iterator[Source]:
    """Read the structure files of paths, one at a time, in the order of their names.

    A path is a file, a folder of any depth, an archive or a table. Files of other kinds
    in folders and archives are refused, but for hidden and unfinished ones.

    Raises
    ------
    FileNotFoundError, ValueError
        At once, if a path does not exist, is a file of another kind, or is a table that
        lacks a column.
    """
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist; check the path.")
        if not path.is_dir() and not (kind_of(path.name) and path.is_file()):
            raise ValueError(
                f"{path}: not a CIF file, a POSCAR file, a table (.parquet), a folder, "
                "or an archive (.zip, .tar, .tar.gz, .tar.bz2, .tar.xz)."
            )
        if kind_of(path.name) == "table" and not path.is_dir():
            next(row_batches(path, rows=1), None)
    return _sources(paths)


def _sources(paths: Sequence[Path]) -> Iterator[Source]:
    several = len(paths) > 1
    names: Counter[str] = Counter()
    for path in paths:
        # Two collections of the same name get different names.
        top = path.name or path.resolve().name
        names[top] += 1
        top += f"~{names[top]}" if names[top] > 1 else ""
        if not path.is_dir():
            yield from _open(path, top, prefixed=several)
            continue
        prefix = f"{top}/" if several else ""
        for file in _walk(path):
            if isinstance(file, Refusal):
                yield refused(prefix + file.file, file.reason, file.detail)
            else:
                name = prefix + printable(file.relative_to(path).as_posix())
                yield from _open(file, name, prefixed=True)


def _walk(folder: Path, name: str = "") -> Iterator[Path | Refusal]:
    """Yield the files of a folder in the order of their names."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        detail = error.strerror or type(error).__name__
        yield Refusal(printable(name) or ".", "", Reason.UNREADABLE, detail)
        return
    for entry in entries:
        path = name + entry.name
        if entry.is_dir() and not entry.is_symlink():
            yield from _walk(entry, f"{path}/")
        elif entry.is_dir():
            # The link may lead back here.
            detail = "a link to a folder: give the folder itself"
            yield Refusal(printable(path), "", Reason.UNREADABLE, detail)
        elif kind_of(entry.name) or not _is_passed_over(entry.name):
            detail = "not a regular file"
            refusal = Refusal(printable(path), "", Reason.UNREADABLE, detail)
            yield entry if entry.is_file() else refusal


def _is_passed_over(name: str) -> bool:
    """Return whether a file is hidden, or is being written by an ingest."""
    return name.startswith(".") or name.endswith(".partial")


def _open(file: Path, name: str, prefixed: bool) -> Iterator[Source]:
    """Yield the contents of a file. Any error gives one refused source."""
    kind = kind_of(file.name)
    if not kind:
        yield refused(name, Reason.OTHER_KIND, OTHER_KIND)
        return
    try:
        if kind == "table":
            for batch in row_batches(file, rows=256):
                for row in batch.to_pylist():
                    yield Source(name, "row", json.dumps(row).encode())
        elif kind in ("zip", "tar"):
            yield from _read_archive(file, kind, f"{name}/" if prefixed else "")
        else:
            with file.open("rb") as stream:
                yield read_source(stream, name, kind)
    except RefusedError as error:
        yield refused(name, error.reason, error.detail)
    except Exception as error:
        # zipfile, tarfile and pyarrow raise errors of many types for damaged files.
        reason = Reason.ARCHIVE if kind in ("zip", "tar") else Reason.UNREADABLE
        yield refused(name, reason, f"damaged ({error or type(error).__name__})")


def _read_archive(file: Path, kind: str, prefix: str) -> Iterator[Source]:
    """Yield the structure files of a ``zip`` or ``tar``, with a prefix to their names.

    Raise RefusedError for too many files or too much inflation, and whatever the
    libraries raise for a damaged archive.
    """
    budget = Budget(min(MAX_TOTAL, MAX_RATIO * file.stat().st_size + MEBIBYTE))
    members = _zip_members if kind == "zip" else _tar_members
    for count, member in enumerate(members(file, budget)):
        if count >= MAX_FILES:
            raise RefusedError(Reason.ARCHIVE, f"more than {MAX_FILES} files")
        yield from _read_member(member, prefix, budget)


class _Member(NamedTuple):
    name: str
    is_file: bool
    stream: IO[bytes] | None
    problem: str = ""


def _zip_members(file: Path, budget: Budget) -> Iterator[_Member]:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if info.filename.endswith("/"):
                continue
            is_file = stat.S_IFMT(info.external_attr >> 16) in (0, stat.S_IFREG)
            if not (is_file and kind_of(info.filename) in READ):
                yield _Member(info.filename, is_file, None)
                continue
            try:
                stream = archive.open(info)
            except (RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:
                # One encrypted member does not spoil the others.
                yield _Member(info.filename, is_file, None, str(error))
                continue
            with stream:
                yield _Member(info.filename, is_file, metered(stream, budget))


def _tar_members(file: Path, budget: Budget) -> Iterator[_Member]:
    openers: dict[str, Callable[..., Any]]
    openers = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}
    last = file.name.lower()
    opener = next((f for end, f in openers.items() if last.endswith(end[-2:])), open)
    with opener(file, "rb") as inflated:
        # In stream mode ("r|") skipped members are read, and metered, as well.
        stream = metered(inflated, budget)
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for info in archive:
                if not info.isdir():
                    # A sparse file may have any size and take no space.
                    is_file = info.isreg() and not info.issparse()
                    member = archive.extractfile(info) if is_file else None
                    yield _Member(info.name, is_file, member)


def _read_member(member: _Member, prefix: str, budget: Budget) -> Iterator[Source]:
    """Yield the file of a member, read or refused, or nothing for other kinds."""
    path = PurePosixPath(member.name.replace("\\", "/"))
    name = prefix + printable(str(path))
    kind = kind_of(member.name)
    first = path.parts[0] if path.parts else ""
    if path.is_absolute() or ".." in path.parts or ":" in first:
        yield refused(name, Reason.ARCHIVE, "a path that leads outside")
    elif not member.is_file:
        yield refused(name, Reason.ARCHIVE, "a link or a device")
    elif member.problem:
        yield refused(name, Reason.UNREADABLE, f"damaged ({member.problem})")
    elif kind in READ and member.stream is not None:
        yield read_source(member.stream, name, kind, budget)
    elif kind:
        detail = f"a {kind} within an archive: unpack it first"
        yield refused(name, Reason.ARCHIVE, detail)
    elif not _is_passed_over(path.name):
        yield refused(name, Reason.OTHER_KIND, OTHER_KIND)
