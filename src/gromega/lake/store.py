"""Zarr stores: the primitives that spectra, PDFs and predictions share.

Stores are Zarr v3, sharded into tens of files, with a crc32c checksum on every chunk.
Dimensions, coordinates and units are named as `xarray.open_zarr` expects them. A store
is written under a temporary name and renamed at the end: an interrupted write leaves
no store.

Zarr reads a missing file as zeros, and has no checksum for attributes. So the last file
of a store, `manifest.json`, counts the files of each array and has the SHA-256 of all
metadata. `open_store` compares both.
"""

import hashlib
import json
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from numpy.typing import ArrayLike, NDArray
from zarr.codecs import BloscCodec, Crc32cCodec, ZstdCodec

from gromega._util.files import new_path, read_json, sha256, write_json
from gromega.crystals.table import rows_by_id

if TYPE_CHECKING:
    # Which axes exist must not change what the lake depends on.
    from gromega.sweeps import Sweep

SHARD_ROWS = 8192
CHUNK_ROWS = 256
MANIFEST = "gromega store 1"
ERRORS = (
    ArithmeticError, AssertionError, AttributeError, ImportError, LookupError,
    NotImplementedError, OSError, RuntimeError, TypeError, ValueError,
)  # fmt: skip
"""What zarr raises if files are damaged or hostile."""
_FREE, _RATIO = 2**26, 2000
POINTS = ("value", "other")
"""The dimensions along the axes of a sweep."""
Progress = Callable[[int], None]
"""A function that takes the number of items finished since the last call."""


@contextmanager
def new_store(
    path: Path, attributes: Mapping[str, Any], inputs: Mapping[str, str] | None = None
) -> Iterator[zarr.Group]:
    """Yield a group that becomes the store `path` if the block ends without error.

    Parameters
    ----------
    path
        The store.
    attributes
        The attributes of the group.
    inputs
        The SHA-256 of what the store is made from, by name, for the manifest.
    """
    with new_path(path) as partial:
        yield zarr.open_group(
            partial, mode="w", zarr_format=3, attributes=dict(attributes)
        )
        with warnings.catch_warnings():
            # zarr warns that the standard lacks consolidated metadata; xarray opens a
            # store faster with them, and without a warning of its own.
            warnings.simplefilter("ignore")
            zarr.consolidate_metadata(partial)
        sign_store(partial, inputs)


def sign_store(path: Path, inputs: Mapping[str, str] | None = None) -> None:
    """Write the manifest of a store, the last of its files."""
    facts = {**_contents(path), "inputs": dict(inputs or {})}
    manifest = {"format": MANIFEST, **facts, "sha256": _hash(facts)}
    write_json(path / "manifest.json", manifest)


def _contents(path: Path) -> dict[str, dict[str, Any]]:
    """Return the number of files of each array, and the SHA-256 of the metadata."""
    files: dict[str, int] = {}
    metadata: dict[str, str] = {}
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path)
        if file.name == "zarr.json":
            metadata[name.as_posix()] = sha256(file)
            files.setdefault(name.parent.as_posix(), 0)
        elif file.is_file() and file.name != "manifest.json":
            array = name.parts[0]
            files[array] = files.get(array, 0) + 1
    return {"files": files, "metadata": metadata}


def _hash(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def open_store(path: Path, kind: str | None = None) -> zarr.Group:
    """Return a complete store to read from, of any format or of one.

    Raises
    ------
    FileNotFoundError
        If there is no store.
    ValueError
        If a file of the store is missing, its metadata are damaged, or it has another
        format.
    """
    if not (path / "zarr.json").is_file():
        raise FileNotFoundError(
            f"{path}: there is no store; make it with 'dvc repro', or get it with "
            "'dvc pull'."
        )
    read_manifest(path)
    try:
        store = zarr.open_group(path, mode="r")
        for name, array in store.arrays():
            _check_size(path / name, array)
    except ERRORS as error:
        raise ValueError(f"{path}: not a store ({error}).") from None
    if kind and store.attrs.get("format") != kind:
        raise ValueError(
            f"{path}: the store has the format {store.attrs.get('format')!r}, not "
            f"{kind!r}; make it again with 'dvc repro'."
        )
    return store


def _check_size(path: Path, array: zarr.Array[Any]) -> None:
    """Raise ValueError if an array needs much more memory than its files explain."""
    stored = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    chunk = math.prod(array.shards or array.chunks) * array.dtype.itemsize
    size = max(math.prod(array.shape) * array.dtype.itemsize, chunk)
    if size > _FREE and size > _RATIO * stored:
        raise ValueError(f"{path.name}: {size} bytes, of {stored} stored ones")


def read_manifest(path: Path) -> dict[str, Any]:
    """Return the manifest of a store; raise ValueError if a file is lost or damaged."""
    try:
        manifest = read_json(path / "manifest.json")
        facts = {key: manifest[key] for key in ("files", "metadata", "inputs")}
        if manifest["format"] != MANIFEST or manifest["sha256"] != _hash(facts):
            raise ValueError("its manifest is damaged or of another version")
        for kind, found in _contents(path).items():
            stated = manifest[kind]
            differ = [k for k in found | stated if found.get(k) != stated.get(k)]
            if differ:
                raise ValueError(f"{kind} of {differ[0]!r} differ from its manifest")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path}: the store is damaged or incomplete ({error}); delete it and make "
            "it again with 'dvc repro', or get it with 'dvc pull'."
        ) from None
    return dict(manifest)


def manifest_hash(path: Path) -> str:
    """Return the SHA-256 of the manifest of a store, to name it as an input."""
    return sha256(path / "manifest.json")


def read_array(store: zarr.Group, name: str) -> NDArray[Any]:
    """Return a whole array of a store; raise ValueError if it is damaged or missing."""
    try:
        array = store[name]
        assert isinstance(array, zarr.Array)
        return np.asarray(array[...])
    except ERRORS as error:
        raise ValueError(f"{store.store_path}: {name} is damaged ({error}).") from None


def read_rows(path: Path, name: str, rows: slice) -> NDArray[Any]:
    """Return the rows of some crystals of an array, dims (..., crystal, x), of a store.

    Raises
    ------
    ValueError
        If a checksum is wrong; the message names the store.
    """
    try:
        array = zarr.open_array(path / name, mode="r")
        return np.asarray(array[..., rows, :])
    except ERRORS as error:
        raise ValueError(
            f"{path}: {name} is damaged ({error}); delete the store and make it again "
            "with 'dvc repro'."
        ) from None


def read_ids(store: zarr.Group) -> NDArray[np.str_]:
    """Return the ids of the crystals of a store, (n,)."""
    return np.array(read_array(store, "crystal").tolist(), dtype=str)


def rows_in_store(
    path: Path, store: zarr.Group, wanted: ArrayLike
) -> NDArray[np.int64]:
    """Return the rows of the wanted crystals in a store.

    Raises
    ------
    ValueError
        If the store lacks one of them; the message names the store and the crystal.
    """
    try:
        return rows_by_id(read_ids(store), np.asarray(wanted, dtype=str))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def write_column(
    group: zarr.Group,
    name: str,
    dims: tuple[str, ...],
    values: NDArray[Any],
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """Write a small array as one chunk."""
    text = values.dtype.kind in "UOT"
    array = group.create_array(
        name,
        shape=values.shape,
        dtype="str" if text else values.dtype,
        chunks=tuple(max(size, 1) for size in values.shape),
        compressors=(ZstdCodec(level=1), Crc32cCodec()),
        dimension_names=dims,
        attributes=dict(attributes or {}),
        config={"write_empty_chunks": True},
    )
    array[...] = values.astype(object) if text else values


def write_coordinate(
    group: zarr.Group, name: str, values: NDArray[Any], units: str = ""
) -> None:
    """Write the coordinate of the dimension of the same name."""
    write_column(group, name, (name,), values, {"units": units} if units else {})


def create_variable(
    group: zarr.Group,
    name: str,
    dims: tuple[str, ...],
    shape: tuple[int, ...],
    attributes: Mapping[str, Any],
) -> zarr.Array[Any]:
    """Create a float32 array, sharded along its dimension ``crystal``."""
    chunks, shards = [], []
    for dim, size in zip(dims, shape, strict=True):
        if dim == "crystal":
            chunk = min(CHUNK_ROWS, size)
            chunks.append(chunk)
            shards.append(min(SHARD_ROWS, -(-size // chunk) * chunk))
        else:
            whole = 1 if dim in POINTS else size
            chunks.append(whole)
            shards.append(whole)
    return group.create_array(
        name,
        shape=shape,
        dtype="float32",
        chunks=tuple(chunks),
        shards=tuple(shards),
        compressors=(
            BloscCodec(cname="zstd", clevel=1, shuffle="shuffle"),
            Crc32cCodec(),
        ),
        dimension_names=dims,
        attributes=dict(attributes),
        config={"write_empty_chunks": True},
    )


def write_crystals(
    group: zarr.Group, ids: NDArray[Any], density: NDArray[np.float64]
) -> None:
    """Write the ids of crystals and their number densities ρ0 in Å⁻³, each (n,)."""
    write_coordinate(group, "crystal", ids)
    attributes = {"units": "Å⁻³", "long_name": "number density ρ0"}
    write_column(group, "density", ("crystal",), density, attributes)


def write_points(
    group: zarr.Group, sweep: "Sweep | None", valid: NDArray[np.bool_]
) -> None:
    """Write the coordinates of a sweep, and which PDFs are valid if some are not.

    Parameters
    ----------
    group
        The store.
    sweep
        The sweep; None at the reference.
    valid
        Whether there is a PDF of each crystal at each point, (..., n), where ... is the
        shape of the sweep.
    """
    points = POINTS[: valid.ndim - 1]
    if sweep is not None:
        for dim, axis in zip(points, sweep.axes, strict=True):
            write_coordinate(group, dim, np.array(axis.values), axis.unit)
        group.attrs["sweep"] = sweep.name
    if not valid.all():
        write_column(group, "valid", (*points, "crystal"), valid)


def read_values(path: Path) -> dict[str, list[float | str]]:
    """Return the values of a store along a sweep, by name of the axis."""
    store = open_store(path)
    names = str(store.attrs.get("sweep", "")).split("-")
    dims = [dim for dim in POINTS if dim in store]
    return {
        name: read_array(store, dim).tolist()
        for name, dim in zip(names, dims, strict=False)
    }


def read_points(
    path: Path, store: zarr.Group, sweep: "Sweep | None", n: int
) -> NDArray[np.bool_]:
    """Return which PDFs of a store of n crystals are valid, (..., n).

    Raises
    ------
    ValueError
        If the store is of another sweep, or of other values.
    """
    found, name = store.attrs.get("sweep"), sweep.name if sweep else None
    if found != name:
        raise ValueError(
            f"{path}: the store is of {found or 'the reference'}, not of "
            f"{name or 'the reference'}; make it again with 'dvc repro'."
        )
    for dim, axis in zip(POINTS, sweep.axes if sweep else (), strict=False):
        values = read_array(store, dim).tolist()
        if values != list(axis.values):
            raise ValueError(
                f"{path}: its values of {axis.name} are {values}, but the sweep is "
                f"over {list(axis.values)} now; make it again with 'dvc repro'."
            )
    if "valid" in store:
        return read_array(store, "valid")
    return np.ones((*(sweep.shape if sweep else ()), n), bool)
