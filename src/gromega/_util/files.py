"""Files and folders on disk."""

import hashlib
import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any


def put_in_place(made: Path, path: Path) -> None:
    """Rename a complete folder, and replace the one that has the name."""
    # The old one is renamed before it is deleted: a kill must not leave a part of it.
    old = path.with_name(path.name + ".old.partial")
    shutil.rmtree(old, ignore_errors=True)
    if path.exists():
        path.replace(old)
    made.replace(path)
    shutil.rmtree(old, ignore_errors=True)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file completely or not at all; text as UTF-8.

    Data go through links and devices, such as ``/dev/stdout``, without replacing them.
    """
    data = content.encode() if isinstance(content, str) else content
    plain = not path.is_symlink() and (path.is_file() or not path.exists())
    partial = path.with_name(path.name + ".partial") if plain else path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        if plain:
            partial.replace(path)
    except OSError as error:
        raise OSError(f"{path}: cannot be written ({error.strerror}).") from None
    finally:
        if plain:
            with suppress(OSError):
                partial.unlink(missing_ok=True)


def check_there(path: Path) -> None:
    """Raise FileNotFoundError unless a file of the pipeline exists."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file; run 'dvc repro'.")


def read_json(path: Path) -> Any:
    """Return the content of a JSON file of the pipeline."""
    check_there(path)
    return json.loads(path.read_text())


def write_json(path: Path, values: object) -> None:
    """Write values as JSON, indented, with a line feed at the end."""
    write_whole(path, json.dumps(values, indent=2) + "\n")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file of the pipeline in hexadecimal."""
    check_there(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
