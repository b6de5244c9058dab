"""The manifest of a folder: ``manifest.json`` has the SHA-256 of all other files."""

import json
from collections.abc import Iterable
from pathlib import Path

from gromega._util.files import read_json, sha256, write_whole

MANIFEST = "manifest.json"
FORMAT = "gromega manifest 1"


def write_manifest(folder: Path) -> None:
    """Write the manifest of a folder, the last of its files."""
    write_whole(folder / MANIFEST, _text(_hashes(folder, _names(folder))))


def check_manifest(folder: Path, names: Iterable[str] | None = None) -> None:
    """Check the files of a folder, or some of them, against its manifest.

    Parameters
    ----------
    folder
        The folder.
    names
        The files to check. By default, all files of the folder, the manifest itself
        included.

    Raises
    ------
    ValueError
        If the manifest or a file is missing, damaged or, by default, not listed.
    """
    path, present = folder / MANIFEST, _names(folder)
    try:
        content = read_json(path)
        stated = dict(content["sha256"])
        if content["format"] != FORMAT:
            raise ValueError(f"its format is {content['format']!r}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: missing or damaged ({error}).") from None
    for name in sorted(present | stated.keys() if names is None else set(names)):
        if name not in stated:
            raise ValueError(f"{folder / name}: not listed in {MANIFEST}.")
        if name not in present:
            raise ValueError(f"{folder / name}: missing.")
        if sha256(folder / name) != stated[name]:
            raise ValueError(f"{folder / name}: damaged; its SHA-256 is another one.")
    if names is None and path.read_text("utf-8") != _text(stated):
        raise ValueError(f"{path}: damaged.")


def _names(folder: Path) -> set[str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix() for path in files} - {MANIFEST}


def _hashes(folder: Path, names: Iterable[str]) -> dict[str, str]:
    return {name: sha256(folder / name) for name in sorted(names)}


def _text(hashes: dict[str, str]) -> str:
    return json.dumps({"format": FORMAT, "sha256": hashes}, indent=2) + "\n"
