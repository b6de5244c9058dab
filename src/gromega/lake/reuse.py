"""Stores that are still right are not computed again.

DVC removes all sweeps before it runs one of them. So the last store of each name is
kept in `.work` as well, under a hash of all that it was made from.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from gromega._util.files import new_path
from gromega.lake.verify import verify_store

KEPT = Path(".work/stores")
_PACKAGE = Path(__file__).parents[1]
_CACHE = "__pycache__"  # of Python and Numba


def make_or_reuse(
    path: Path, made_from: Mapping[str, Any], make: Callable[[], object]
) -> None:
    """Make a store, or take the one that was made last from the same.

    Parameters
    ----------
    path
        The store, relative to the folder of the pipeline.
    made_from
        All that the store depends on, as a JSON object. The code of gromega is added.
    make
        The function that writes the store to `path`.
    """
    stated = json.dumps({**made_from, "code": code_hash()}, sort_keys=True)
    folder = KEPT / path
    kept = folder / hashlib.sha256(stated.encode()).hexdigest()
    with suppress(OSError, ValueError):
        # A damaged one is made again.
        verify_store(kept)
        _copy(kept, path)
        return
    make()
    shutil.rmtree(folder, ignore_errors=True)
    _copy(path, kept)


def _copy(store: Path, path: Path) -> None:
    """Copy a store to a path, and replace the one that is there."""
    with new_path(path) as partial:
        shutil.copytree(store, partial)


@cache
def code_hash() -> str:
    """Return the SHA-256 of all code and data of gromega, in hexadecimal."""
    digest = hashlib.sha256()
    for path in sorted(p for p in _PACKAGE.rglob("*.*") if _CACHE not in p.parts):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(_PACKAGE)} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()
