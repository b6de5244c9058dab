"""Collections: the files of folders and archives, and the rows of tables.

An archive is read as a stream and nothing of it is written to disk. Links, paths that
lead outside, archives within archives and what inflates too much are refused.
"""

import bz2
import gzip
import io
import json
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple, cast

from gromega.crystals.refusal import Reason, Refusal, RefusedError
from gromega.crystals.table import row_batches

TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
MEBIBYTE = 2**20
# A file of crystals; ICSD exports of some thousand entries are this large.
MAX_FILE = 256 * MEBIBYTE
MAX_FILES = 10_000_000
# What an archive holds in all, and how many times larger than itself that may be.
MAX_TOTAL = 1_000_000 * MEBIBYTE
MAX_RATIO = 200
READ = ("cif", "poscar")
DAMAGED = (zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError)


@dataclass(frozen=True)
class Source:
    """A file to read crystals from, or one that is refused unread.

    Parameters
    ----------
    name
        Its path within the collection, with slashes.
    kind
        ``"cif"``, ``"poscar"``, or ``"row"`` for a crystal of a table.
    content
        The bytes; of a row, its columns in JSON.
    refusal
        Why it is refused, if it is.
    """

    name: str
    kind: str = ""
    content: bytes = b""
    refusal: Refusal | None = None


def kind_of(name: str) -> str:
    """Return what a file is by its name: cif, poscar, table, zip, tar, or nothing."""
    last = PurePosixPath(name).name.lower()
    plain = last.removesuffix(".gz")
    if last.endswith(TARS):
        return "tar"
    if last.endswith(".zip"):
        return "zip"
    if last.endswith(".parquet"):
        return "table"
    if plain.endswith(".cif"):
        return "cif"
    if plain.startswith(("poscar", "contcar")) or plain.endswith((".vasp", ".poscar")):
        return "poscar"
    return ""


def check_paths(paths: Sequence[Path]) -> None:
    """Refuse paths that cannot be read from.

    Raises
    ------
    FileNotFoundError
        If a path does not exist.
    ValueError
        If a path is a file of another kind, or a table that lacks a column.
    """
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist.")
        if not path.is_dir() and not (kind_of(path.name) and path.is_file()):
            raise ValueError(
                f"{path}: not a CIF file, a POSCAR file, a table (.parquet), a folder, "
                "or an archive (.zip, .tar, .tar.gz, .tar.bz2, .tar.xz)."
            )
        if kind_of(path.name) == "table" and not path.is_dir():
            next(row_batches(path, rows=1), None)


def find_sources(paths: Sequence[Path]) -> Iterator[Source]:
    """Yield the files of paths: files, folders of any depth, archives, tables.

    Files are read one at a time, in the order of their names. In folders and archives,
    files of other kinds are passed over.
    """
    several = len(paths) > 1
    names: Counter[str] = Counter()
    for path in paths:
        # Names are told apart where there are several collections.
        top = path.name or path.resolve().name
        names[top] += 1
        top += f"~{names[top]}" if names[top] > 1 else ""
        if not path.is_dir():
            yield from _open(path, top, prefixed=several)
            continue
        prefix = f"{top}/" if several else ""
        for file in _walk(path):
            if isinstance(file, Refusal):
                yield _refused(prefix + file.file, file.reason, file.detail)
            else:
                name = prefix + _clean(file.relative_to(path).as_posix())
                yield from _open(file, name, prefixed=True)


def _clean(name: str) -> str:
    """Return a name that can be written: bytes that are no UTF-8 are spelled out."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _walk(folder: Path, name: str = "") -> Iterator[Path | Refusal]:
    """Yield the files of a folder, in the order of their names."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        detail = error.strerror or type(error).__name__
        yield Refusal(_clean(name) or ".", "", Reason.UNREADABLE, detail)
        return
    for entry in entries:
        path = name + entry.name
        if entry.is_dir() and not entry.is_symlink():
            yield from _walk(entry, f"{path}/")
        elif entry.is_dir():
            # It may lead back here.
            detail = "a link to a folder: give the folder itself"
            yield Refusal(_clean(path), "", Reason.UNREADABLE, detail)
        elif kind_of(entry.name) and entry.is_file():
            yield entry
        elif kind_of(entry.name):
            detail = "not a file that can be read"
            yield Refusal(_clean(path), "", Reason.UNREADABLE, detail)


def _open(file: Path, name: str, prefixed: bool) -> Iterator[Source]:
    """Yield what a file holds, or why it is refused; whatever is raised is one line."""
    kind = kind_of(file.name)
    try:
        if kind == "table":
            for batch in row_batches(file, rows=256):
                for row in batch.to_pylist():
                    yield Source(name, "row", json.dumps(row).encode())
        elif kind in ("zip", "tar"):
            yield from _open_archive(file, kind, f"{name}/" if prefixed else "")
        else:
            with file.open("rb") as stream:
                yield _read(stream, name, kind)
    except RefusedError as error:
        yield _refused(name, error.reason, error.detail)
    except Exception as error:
        reason = Reason.ARCHIVE if kind in ("zip", "tar") else Reason.UNREADABLE
        yield _refused(name, reason, f"damaged ({error or type(error).__name__})")


def _open_archive(file: Path, kind: str, prefix: str) -> Iterator[Source]:
    budget = _Budget(min(MAX_TOTAL, MAX_RATIO * file.stat().st_size + MEBIBYTE))
    members = _zip_members if kind == "zip" else _tar_members
    for count, member in enumerate(members(file, budget)):
        if count >= MAX_FILES:
            raise RefusedError(Reason.ARCHIVE, f"more than {MAX_FILES} files")
        yield from _check(member, prefix, budget)


@dataclass
class _Budget:
    """The bytes that an archive may still inflate to."""

    left: int

    def spend(self, n: int) -> None:
        self.left -= n
        if self.left < 0:
            raise RefusedError(
                Reason.ARCHIVE,
                f"inflates to more than {MAX_RATIO} times its size; read no further",
            )


class _Metered(io.RawIOBase):
    """A stream that spends a budget as it is read."""

    def __init__(self, stream: IO[bytes], budget: _Budget) -> None:
        self.stream = stream
        self.budget = budget

    def read(self, size: int = -1) -> bytes:
        content = self.stream.read(size)
        self.budget.spend(len(content))
        return content


class _Member(NamedTuple):
    name: str
    is_file: bool
    stream: IO[bytes] | None
    problem: str = ""


def _zip_members(file: Path, budget: _Budget) -> Iterator[_Member]:
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
                # Encrypted, say: the others can be read.
                yield _Member(info.filename, is_file, None, str(error))
                continue
            with stream:
                metered = cast(IO[bytes], _Metered(stream, budget))
                yield _Member(info.filename, is_file, metered)


def _tar_members(file: Path, budget: _Budget) -> Iterator[_Member]:
    openers: dict[str, Callable[..., Any]]
    openers = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}
    last = file.name.lower()
    opener = next((f for end, f in openers.items() if last.endswith(end[-2:])), open)
    with opener(file, "rb") as inflated:
        metered = cast(IO[bytes], _Metered(inflated, budget))
        # As a stream: whatever is passed over is metered, too.
        with tarfile.open(fileobj=metered, mode="r|") as archive:
            for info in archive:
                if not info.isdir():
                    # A sparse file may be any size in no space.
                    is_file = info.isreg() and not info.issparse()
                    stream = archive.extractfile(info) if is_file else None
                    yield _Member(info.name, is_file, stream)


def _check(member: _Member, prefix: str, budget: _Budget) -> Iterator[Source]:
    """Yield the file of a member, or why it is refused, or nothing."""
    path = PurePosixPath(member.name.replace("\\", "/"))
    name = prefix + _clean(str(path))
    kind = kind_of(member.name)
    first = path.parts[0] if path.parts else ""
    if path.is_absolute() or ".." in path.parts or ":" in first:
        yield _refused(name, Reason.ARCHIVE, "a path that leads outside")
    elif not member.is_file:
        yield _refused(name, Reason.ARCHIVE, "a link or a device")
    elif member.problem:
        yield _refused(name, Reason.UNREADABLE, f"damaged ({member.problem})")
    elif kind in READ and member.stream is not None:
        yield _read(member.stream, name, kind, budget)
    elif kind:
        detail = f"a {kind} within an archive: unpack it first"
        yield _refused(name, Reason.ARCHIVE, detail)


def _read(
    stream: IO[bytes], name: str, kind: str, budget: _Budget | None = None
) -> Source:
    if name.lower().endswith(".gz"):
        stream = cast(IO[bytes], gzip.GzipFile(fileobj=stream))
        if budget is not None:
            stream = cast(IO[bytes], _Metered(stream, budget))
    try:
        content = stream.read(MAX_FILE + 1)
    except RefusedError:
        raise
    except (OSError, EOFError, RuntimeError, ValueError, *DAMAGED) as error:
        return _refused(name, Reason.UNREADABLE, f"damaged ({error})")
    if len(content) > MAX_FILE:
        limit = MAX_FILE // MEBIBYTE
        return _refused(name, Reason.UNREADABLE, f"larger than {limit} MiB: split it")
    return Source(name, kind, content)


def _refused(name: str, reason: Reason, detail: str) -> Source:
    return Source(name, refusal=Refusal(name, "", reason, detail))
