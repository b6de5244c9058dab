"""Files that crystals are read from: their kinds, and reading one of them."""

import gzip
import io
import lzma
import os
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, cast

from gromega.crystals.refusal import Reason, Refusal, RefusedError

MEBIBYTE = 2**20
# ICSD exports of some thousand entries are this large.
MAX_FILE = 256 * MEBIBYTE
# An archive may inflate to this many times its size.
MAX_RATIO = 200
_TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_DAMAGED = (zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError)


@dataclass(frozen=True)
class Source:
    """A file to read crystals from, or one that was refused unread."""

    name: str  # the path within the collection, with slashes
    kind: str = ""  # cif, poscar, or row for a crystal of a table or a database
    content: bytes = b""  # a row is given as JSON
    refusal: Refusal | None = None


def kind_of(name: str) -> str:
    """Return cif, poscar, table, zip or tar by the name of a file, or an empty text."""
    last = PurePosixPath(name).name.lower()
    unzipped = last.removesuffix(".gz")
    if last.endswith(_TARS):
        return "tar"
    if last.endswith(".zip"):
        return "zip"
    if last.endswith(".parquet"):
        return "table"
    if unzipped.endswith((".cif", ".mcif")):
        return "cif"
    if unzipped.startswith(("poscar", "contcar")):
        return "poscar"
    return "poscar" if unzipped.endswith((".vasp", ".poscar")) else ""


def printable(name: str) -> str:
    """Return a name as UTF-8, with escapes for bytes that are not."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def refused(name: str, reason: Reason, detail: str) -> Source:
    """Return a file that is refused unread."""
    return Source(name, refusal=Refusal(name, "", reason, detail))


@dataclass
class Budget:
    """The number of bytes that an archive may still inflate to."""

    left: int

    def spend(self, n: int) -> None:
        """Take n bytes from the budget, and raise RefusedError if it is overdrawn."""
        self.left -= n
        if self.left < 0:
            raise RefusedError(
                Reason.ARCHIVE,
                f"inflates to more than {MAX_RATIO} times its size; the rest is unread",
            )


class _Metered(io.RawIOBase):
    """A stream that spends a budget as it is read."""

    def __init__(self, stream: IO[bytes], budget: Budget) -> None:
        self.stream = stream
        self.budget = budget

    def read(self, size: int = -1) -> bytes:
        content = self.stream.read(size)
        self.budget.spend(len(content))
        return content


def metered(stream: IO[bytes], budget: Budget) -> IO[bytes]:
    """Return a stream that spends a budget as it is read."""
    return cast(IO[bytes], _Metered(stream, budget))


def read_source(
    stream: IO[bytes], name: str, kind: str, budget: Budget | None = None
) -> Source:
    """Read a file, and inflate it if its name ends with ``.gz``.

    Raise RefusedError if the budget of the archive that contains it is overdrawn. Any
    other problem gives a refused `Source`.
    """
    if name.lower().endswith(".gz"):
        stream = cast(IO[bytes], gzip.GzipFile(fileobj=stream))
        if budget is not None:
            stream = metered(stream, budget)
    try:
        content = stream.read(MAX_FILE + 1)
    except RefusedError:
        raise
    except (OSError, EOFError, RuntimeError, ValueError, *_DAMAGED) as error:
        return refused(name, Reason.UNREADABLE, f"damaged ({error})")
    if len(content) > MAX_FILE:
        limit = MAX_FILE // MEBIBYTE
        return refused(name, Reason.UNREADABLE, f"larger than {limit} MiB: split it")
    return Source(name, kind, content)
