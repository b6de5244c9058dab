"""Finding the files of a collection: folders, archives, tables and single files."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from gromega.crystals.io.archives import read_archive
from gromega.crystals.io.source import Source, kind_of, printable, read_source, refused
from gromega.crystals.refusal import Reason, Refusal, RefusedError
from gromega.crystals.table import row_batches


def check_paths(paths: Sequence[Path]) -> None:
    """Check that paths can be read from.

    Raises
    ------
    FileNotFoundError
        If a path does not exist.
    ValueError
        If a path is a file of another kind, or a table that lacks a column.
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


def find_sources(paths: Sequence[Path]) -> Iterator[Source]:
    """Read the structure files of paths, one at a time, in the order of their names.

    A path is a file, a folder of any depth, an archive or a table. Files of other kinds
    in folders and archives are skipped.
    """
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
        elif kind_of(entry.name):
            detail = "not a regular file"
            refusal = Refusal(printable(path), "", Reason.UNREADABLE, detail)
            yield entry if entry.is_file() else refusal


def _open(file: Path, name: str, prefixed: bool) -> Iterator[Source]:
    """Yield the contents of a file. Any error gives one refused source."""
    kind = kind_of(file.name)
    try:
        if kind == "table":
            for batch in row_batches(file, rows=256):
                for row in batch.to_pylist():
                    yield Source(name, "row", json.dumps(row).encode())
        elif kind in ("zip", "tar"):
            yield from read_archive(file, kind, f"{name}/" if prefixed else "")
        else:
            with file.open("rb") as stream:
                yield read_source(stream, name, kind)
    except RefusedError as error:
        yield refused(name, error.reason, error.detail)
    except Exception as error:
        # zipfile, tarfile and pyarrow raise errors of many types for damaged files.
        reason = Reason.ARCHIVE if kind in ("zip", "tar") else Reason.UNREADABLE
        yield refused(name, reason, f"damaged ({error or type(error).__name__})")
