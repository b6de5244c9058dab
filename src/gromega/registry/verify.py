"""Verification of anything: stores, tables, models, libraries and whole folders."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gromega._util.manifest import MANIFEST, check_manifest
from gromega.crystals.table import SCHEMA, crystals_of, read_table, row_batches
from gromega.lake.verify import verify_store
from gromega.model.io import MODEL_FILES, load_model
from gromega.model.library_io import load_library
from gromega.registry.registry import verify_folder
from gromega.registry.tracked import md5_of, tracked_files, walk


@dataclass(frozen=True)
class Finding:
    """What a verification found: a path, its kind, and the problem if there is one."""

    path: str
    kind: str
    problem: str = ""

    def __str__(self) -> str:
        """Return one line."""
        if not self.problem:
            return f"{self.path}: {self.kind}, intact"
        named = self.problem.startswith(self.path)
        return self.problem if named else f"{self.path}: {self.problem}"


def verify_paths(paths: Sequence[Path]) -> Iterator[Finding]:
    """Verify files and folders; without a path, all that DVC tracks.

    A folder stands for the stores, models and tables in it, and for all in it that DVC
    tracks. Each of these is read as a whole, and compared with the MD5 that DVC has.
    A file without any checksum is a problem only if it is named itself.
    """
    tracked = tracked_files()
    for path in paths or [Path()]:
        inside = [known for known in tracked if path in (known, *known.parents)]
        found = [path] if _kind(path) else sorted({*inside, *_things(path)})
        for each in found or [path]:
            yield _verify(each, tracked)


def _things(folder: Path) -> list[Path]:
    """Return the stores, models and tables at and below a folder."""
    things: list[Path] = []
    for file in walk(folder):
        inside = any(thing in file.parents for thing in things)
        if not inside and (parents := [p for p in file.parents if _kind(p)]):
            things.append(parents[-1])
        elif not inside and _kind(file) == "table":
            things.append(file)
    return things


def _kind(path: Path) -> str:
    """Return what a path is; an empty text for a folder of several things."""
    if path.is_dir():
        if (path / "zarr.json").is_file() or path.suffix == ".zarr":
            return "store"
        return "model" if any((path / name).is_file() for name in MODEL_FILES) else ""
    return "table" if path.suffix == ".parquet" else "file" if path.is_file() else ""


def _verify(path: Path, tracked: Mapping[Path, str]) -> Finding:
    kind = _kind(path) or "folder"
    md5 = tracked.get(path, "")
    try:
        if not path.exists():
            raise ValueError(
                "missing; get it with 'dvc pull' or 'dvc repro', or with 'git restore' "
                "if it is in git."
            )
        if md5 and md5 != md5_of(path):
            raise ValueError(
                "its MD5 is not that of dvc.lock or its .dvc file; get it again with "
                f"'dvc checkout --force {path}' or 'dvc repro', or with 'git restore' "
                "if it is in git."
            )
        if kind == "store":
            verify_store(path)
        elif kind == "model":
            _verify_model(path)
        elif kind == "table":
            kind = _verify_table(path)
        elif not md5 and not any(parent in tracked for parent in path.parents):
            raise ValueError("no checksum of it is known.")
    except (ValueError, OSError) as error:
        return Finding(str(path), kind, " ".join(str(error).split()))
    return Finding(str(path), kind)


def _verify_model(path: Path) -> None:
    if (path / "card.json").is_file():
        verify_folder(path)
    # A model of v1.8.1 has its hashes in the card alone.
    if (path / MANIFEST).is_file() or not (path / "card.json").is_file():
        check_manifest(path)
        load_model(path)


def _verify_table(path: Path) -> str:
    """Read a Parquet file as a whole, and return its kind."""
    try:
        schema = pq.read_schema(path)
        if b"gromega" in (schema.metadata or {}):
            load_library(path)
            return "library"
        if not {"lattice", "frac"}.issubset(schema.names):
            pq.read_table(path, page_checksum_verification=True)
            return "table"
        read_table(path, ["id"])
        for rows in row_batches(path, SCHEMA.names):
            crystals_of(rows)
    except pa.ArrowException as error:
        raise ValueError(f"damaged ({error}).") from None
    return "crystals"
