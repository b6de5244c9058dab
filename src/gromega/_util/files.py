"""Files and folders on disk."""

import hashlib
import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any


def put_in_place(made: Path, path: Path) -> None:
    """Give a folder that is whole its name, in place of what had it."""
    # Aside first: a folder half deleted by a kill must not keep its name.
    old = path.with_name(path.name + ".old.partial")
    shutil.rmtree(old, ignore_errors=True)
    if path.exists():
        path.replace(old)
    made.replace(path)
    shutil.rmtree(old, ignore_errors=True)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file, whole or not at all; text as UTF-8.

    What a link leads to, and a device, is written to as it is.

    Raises
    ------
    OSError
        If it cannot be written: the file, and why.
    """
    data = content.encode() if isinstance(content, str) else content
    # /dev/stdout is a link, and must stay one.
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
    """Refuse a file of the pipeline that is not there.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file; run 'dvc repro'.")


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    """
    check_there(path)
    return json.loads(path.read_text())


def write_json(path: Path, values: object) -> None:
    """Write values as JSON, indented, with a line feed at the end."""
    write_whole(path, json.dumps(values, indent=2) + "\n")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    """
    check_there(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
