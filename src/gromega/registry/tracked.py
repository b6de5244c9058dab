"""The files that DVC tracks, with the MD5 that dvc.lock and .dvc files state."""

import hashlib
import json
import os
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import yaml

IGNORED = ("__pycache__", "*.py[cod]", "*.partial", ".DS_Store", "*.swp", "*~")
"""The patterns of .dvcignore: such files and folders are no part of an out."""


def tracked_files(root: Path = Path()) -> dict[Path, str]:
    """Return the MD5 of the files and folders that DVC tracks below a folder.

    Paths begin with `root`; the MD5 of a folder ends with ``.dir``, as DVC writes it.

    Raises
    ------
    ValueError
        If dvc.lock or a .dvc file cannot be read.
    """
    found: dict[Path, str] = {}
    for path in [root / "dvc.lock", *walk(root)]:
        if path.name != "dvc.lock" and path.suffix != ".dvc":
            continue
        try:
            content = yaml.safe_load(path.read_text("utf-8")) if path.is_file() else {}
            stages = content.get("stages", {path.name: content}).values()
            outs = [out for stage in stages for out in stage.get("outs", [])]
            found |= {path.parent / out["path"]: out.get("md5", "") for out in outs}
        except (yaml.YAMLError, ValueError, KeyError, AttributeError, TypeError):
            raise ValueError(
                f"{path}: damaged; get it again with 'git checkout {path}'."
            ) from None
    return found


def walk(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, in order, without those of hidden folders."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _skipped(name))
        yield from (Path(parent) / name for name in sorted(names) if not _skipped(name))


def _skipped(name: str) -> bool:
    return name.startswith(".") or any(fnmatch(name, pattern) for pattern in IGNORED)


def md5_of(path: Path) -> str:
    """Return the MD5 of a file or a folder, as DVC computes it."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "md5").hexdigest()
    files = []
    for each in path.rglob("*"):
        inside = each.relative_to(path)
        ignored = any(fnmatch(part, p) for part in inside.parts for p in IGNORED)
        if each.is_file() and not ignored:
            files.append({"md5": md5_of(each), "relpath": inside.as_posix()})
    listed = json.dumps(sorted(files, key=lambda f: f["relpath"]), sort_keys=True)
    return hashlib.md5(listed.encode()).hexdigest() + ".dir"
