"""Files and folders on disk."""

import errno
import hashlib
import json
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_LARGEST_JSON = 2**25
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_unfinished: Path | None = None
"""The folder for what `new_path` writes, if `write_in` is active."""


@contextmanager
def write_in(folder: Path) -> Iterator[None]:
    """Let `new_path` write in a folder, and not beside the path, until a block ends.

    What killed processes left in it is removed. Absolute paths, and those on another
    disk than the folder, are still written beside the path.
    """
    global _unfinished
    prefix = f"{platform.node()}-"
    for left in folder.glob(f"{prefix}*"):
        if _ended(left.name.removeprefix(prefix)):
            _remove(left)
    own = folder / f"{prefix}{os.getpid()}"
    _remove(own)
    before, _unfinished = _unfinished, own
    try:
        yield
    finally:
        _unfinished = before
        _remove(own)


@contextmanager
def new_path(path: Path) -> Iterator[Path]:
    """Yield a path to write a file or a folder to, which is `path` when the block ends.

    The block makes it; after an error there is none. What other processes write to the
    same path meanwhile is apart, and what killed ones left is removed.

    Raises
    ------
    OSError
        If the disk is full; the message names `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path)
    partial = _place(path) / f"{_prefix(path)}{os.getpid()}.partial"
    _remove(partial)
    try:
        yield partial
        if partial.is_dir():
            _replace_folder(partial, path)
        else:
            partial.replace(path)
    except OSError as error:
        if error.errno in _FULL:
            raise _unwritable(path, error) from None
        raise
    finally:
        _remove(partial)


def _place(path: Path) -> Path:
    """Return the folder in which a path is written."""
    if not _unfinished or path.is_absolute() or path.is_relative_to(_unfinished):
        return path.parent
    place = _unfinished / path.parent
    place.mkdir(parents=True, exist_ok=True)
    return place if _on_one_disk(place, path.parent) else path.parent


def _on_one_disk(first: Path, second: Path) -> bool:
    """Return whether a file can be renamed from one folder to the other."""
    if first.stat().st_dev != second.stat().st_dev:
        return False
    try:
        # Two mounts of one device: Linux refuses them before it looks for the file.
        (first / ".none").rename(second / ".none")
    except OSError as error:
        return error.errno != errno.EXDEV
    return True


def _prefix(path: Path) -> str:
    # Processes of two machines that share a disk may have the same number.
    return f"{path.name}.{platform.node()}-"


def _replace_folder(made: Path, path: Path) -> None:
    """Rename a complete folder, and replace the one that has the name."""
    # The old one is renamed before it is deleted: a kill must not leave a part of it.
    old = made.with_name(made.name.removesuffix("partial") + "old.partial")
    _remove(old)
    if path.exists():
        path.replace(old)
    made.replace(path)
    _remove(old)


def _remove_abandoned(path: Path) -> None:
    """Remove what killed processes left of a path; those that run keep theirs."""
    prefix = _prefix(path)
    for left in path.parent.glob("*.partial"):
        process = left.name.removeprefix(prefix).split(".")[0]
        if left.name.startswith(prefix) and _ended(process):
            _remove(left)


def _ended(process: str) -> bool:
    if os.name != "posix" or not process.isdecimal():  # where a signal would end it
        return False
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        return False
    return False


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> OSError:
    return OSError(f"{path}: cannot be written ({error.strerror}).")


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file completely or not at all; text as UTF-8.

    Data go through links and devices, such as ``/dev/stdout``, without replacing them.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            path.write_bytes(data)
            return
        with new_path(path) as partial:
            partial.write_bytes(data)
    except OSError as error:
        if error.strerror is None:
            raise
        raise _unwritable(path, error) from None


def check_there(path: Path) -> None:
    """Raise FileNotFoundError unless a file of the pipeline exists."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file; run 'dvc repro'.")


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not JSON, or larger than any that gromega writes.
    """
    check_there(path)
    if (size := path.stat().st_size) > _LARGEST_JSON:
        raise ValueError(f"{path}: {size} bytes are too many for this file.")
    try:
        return json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not a JSON file ({error}).") from None


def write_json(path: Path, values: object) -> None:
    """Write values as JSON, indented, with a line feed at the end."""
    write_whole(path, json.dumps(values, indent=2) + "\n")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file of the pipeline in hexadecimal."""
    check_there(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
