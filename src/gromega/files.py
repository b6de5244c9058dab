"""Files and folders on disk."""

import json
import shutil
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


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file; run 'dvc repro'.")
    return json.loads(path.read_text())


def write_json(path: Path, values: object) -> None:
    """Write values as JSON, indented, with a line feed at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values, indent=2) + "\n")
