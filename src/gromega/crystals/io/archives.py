"""Archives: the files of ZIP and TAR archives, read as a stream.

Nothing is written to disk. Links, paths that lead outside the archive, archives within
archives, and archives that inflate too much are refused.
"""

import bz2
import gzip
import lzma
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
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
from gromega.crystals.refusal import Reason, RefusedError

MAX_FILES = 10_000_000
# The largest total size of the files of an archive.
MAX_TOTAL = 1_000_000 * MEBIBYTE
READ = ("cif", "poscar")


def read_archive(file: Path, kind: str, prefix: str) -> Iterator[Source]:
    """Yield the structure files of a ``zip`` or ``tar``, with a prefix to their names.

    Raises
    ------
    RefusedError
        If the archive has too many files, or inflates too much.
    Exception
        Whatever the libraries raise for a damaged archive.
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
