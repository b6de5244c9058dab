"""Folders on disk: whole or not there at all."""

import shutil
from pathlib import Path


def put_in_place(made: Path, path: Path) -> None:
    """Give a folder that is whole its name, in place of what had it."""
    # Aside first: a folder half deleted by a kill must not keep its name.
    old = path.with_name(path.name + ".old.partial")
    shutil.rmtree(old, ignore_errors=True)
    if path.exists():
        path.replace(old)
    made.replace(path)
    shutil.rmtree(old, ignore_errors=True)
