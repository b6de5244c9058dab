"""The data lake: Zarr stores of pair spectra and of G(r, Ω).

Stores are Zarr v3, sharded into tens of files with a crc32c on every chunk, and
named so that `xarray.open_zarr` shows dimensions, coordinates and units. A store is
written under another name and renamed when it is whole: one that is there is whole.
"""

import json
import math
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import xarray
import zarr
from numpy.typing import ArrayLike, NDArray
from zarr.codecs import BloscCodec, Crc32cCodec, ZstdCodec

from gromega.conditions import Axis, Conditions
from gromega.crystals.crystal import Crystal
from gromega.crystals.table import crystals_of, read_table, row_batches
from gromega.parallel import ordered_map
from gromega.pdf.network_input import INPUT_R, input_operator
from gromega.pdf.simulate import add_noise, apply_operator
from gromega.pdf.spectrum import CHUNK, bin_centres, n_bins, spectra_of

SHARD_ROWS = 8192
CHUNK_ROWS = 256
Progress = Callable[[int], None]


def put_in_place(made: Path, path: Path) -> None:
    """Give a folder that is whole its name, in place of what had it."""
    # Aside first: a folder half deleted by a kill must not keep its name.
    old = path.with_name(path.name + ".old.partial")
    shutil.rmtree(old, ignore_errors=True)
    if path.exists():
        path.replace(old)
    made.replace(path)
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def new_store(path: Path, attributes: dict[str, Any]) -> Iterator[zarr.Group]:
    """Yield a group that becomes the store `path` if the block ends without error."""
    partial = path.with_name(path.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        group = zarr.open_group(partial, mode="w", zarr_format=3, attributes=attributes)
        yield group
        with warnings.catch_warnings():
            # zarr says that consolidated metadata are not yet in the standard; xarray
            # opens a store faster with them, and without a warning of its own.
            warnings.simplefilter("ignore")
            zarr.consolidate_metadata(partial)
        put_in_place(partial, path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _column(
    group: zarr.Group,
    name: str,
    dim: str,
    values: NDArray[np.generic],
    attributes: dict[str, Any],
) -> None:
    """Write an array of one dimension as one chunk."""
    text = values.dtype.kind in "UOT"
    array = group.create_array(
        name,
        shape=values.shape,
        dtype="str" if text else values.dtype,
        chunks=(max(values.size, 1),),
        compressors=(ZstdCodec(level=1), Crc32cCodec()),
        dimension_names=(dim,),
        attributes=attributes,
        config={"write_empty_chunks": True},
    )
    array[:] = values.astype(object) if text else values


def _coordinate(
    group: zarr.Group, name: str, values: NDArray[np.generic], units: str = ""
) -> None:
    _column(group, name, name, values, {"units": units} if units else {})


def _variable(
    group: zarr.Group,
    name: str,
    dims: tuple[str, ...],
    shape: tuple[int, ...],
    attributes: dict[str, Any],
) -> zarr.Array:
    """Create a float32 array, sharded along its dimension ``crystal``."""
    chunks, shards = [], []
    for dim, size in zip(dims, shape, strict=True):
        if dim == "crystal":
            chunk = min(CHUNK_ROWS, size)
            chunks.append(chunk)
            shards.append(min(SHARD_ROWS, -(-size // chunk) * chunk))
        else:
            chunks.append(1 if dim == "value" else size)
            shards.append(1 if dim == "value" else size)
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
        attributes=attributes,
        config={"write_empty_chunks": True},
    )


def _write_crystals(
    group: zarr.Group, ids: NDArray[np.generic], density: NDArray[np.float64]
) -> None:
    _coordinate(group, "crystal", ids)
    attributes = {"units": "Å⁻³", "long_name": "number density ρ0"}
    _column(group, "density", "crystal", density, attributes)


def write_spectra(
    path: Path,
    table: Path,
    radiation: str,
    dmax: float,
    pool: Executor,
    progress: Progress | None = None,
) -> None:
    """Write the pair spectra of a table of crystals, dims (crystal, d).

    Crystals are read and spectra written shard by shard, so memory stays bounded. The
    bytes do not depend on what does the work.

    Parameters
    ----------
    path
        The store to write, such as ``data/spectra.zarr``.
    table
        The parquet file of crystals, see `gromega.crystals.table.SCHEMA`.
    radiation
        The radiation, ``"xray"`` or ``"neutron"``.
    dmax
        The longest distance in Å.
    pool
        What makes the spectra, of `gromega.parallel.open_pool`.
    progress
        Called with the number of crystals finished since the last call.
    """
    ids = np.array(read_table(table, ["id"])["id"].to_pylist())
    n = ids.size
    attributes: dict[str, Any] = {
        "radiation": radiation,
        "dmax": dmax,
        "format": "gromega spectra 1",
    }
    crystals = chain.from_iterable(map(crystals_of, row_batches(table)))
    density = np.empty(n)

    def chunks() -> Iterator[list[Crystal]]:
        done = 0
        while chunk := list(islice(crystals, CHUNK)):
            density[done : done + len(chunk)] = [crystal.density for crystal in chunk]
            done += len(chunk)
            yield chunk

    with new_store(path, attributes) as group:
        spectra = _variable(
            group,
            "spectrum",
            ("crystal", "d"),
            (n, n_bins(dmax)),
            {"units": "Å⁻¹", "long_name": "p(d)/d on cubic B-splines"},
        )
        _coordinate(group, "d", bin_centres(n_bins(dmax)), "Å")
        made = ordered_map(pool, partial(spectra_of, radiation, dmax), chunks())
        for start in range(0, n, SHARD_ROWS):
            block = np.empty((min(SHARD_ROWS, n - start), n_bins(dmax)), np.float32)
            for row in range(0, len(block), CHUNK):
                part = next(made)
                block[row : row + len(part)] = part
                if progress:
                    progress(len(part))
            spectra[start : start + len(block)] = block
        _write_crystals(group, ids, density)


def open_store(path: Path) -> xarray.Dataset:
    """Return a store as a lazy dataset.

    Raises
    ------
    FileNotFoundError
        If there is no store.
    """
    if not (path / "zarr.json").is_file():
        raise FileNotFoundError(
            f"{path}: there is no store; make it with 'dvc repro', or get it with "
            "'dvc pull'."
        )
    return xarray.open_zarr(path)


class _Spectra:
    """The spectra of some crystals, read from a store shard by shard."""

    def __init__(self, path: Path, ids: ArrayLike | None) -> None:
        data = open_store(path)
        everything = np.array(data["crystal"].to_numpy().tolist(), dtype=str)
        rows = np.arange(everything.size)
        if ids is not None:
            place = {name: row for row, name in enumerate(everything)}
            wanted = np.asarray(ids, dtype=str)
            absent = [name for name in wanted if name not in place]
            if absent:
                raise ValueError(
                    f"{path}: the store lacks {len(absent)} of the crystals asked "
                    f"for, such as '{absent[0]}'; make it again with 'dvc repro'."
                )
            rows = np.array([place[name] for name in wanted], dtype=np.int64)
        self.ids = everything[rows]
        self.density = data["density"].to_numpy()[rows]
        self.radiation = str(data.attrs["radiation"])
        self.dmax = float(data.attrs["dmax"])
        self._rows = rows
        self._array = zarr.open_array(path / "spectrum", mode="r")

    def blocks(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Yield positions in `ids` with their spectra, one shard after another."""
        for start in range(0, self._array.shape[0], SHARD_ROWS):
            inside = (self._rows >= start) & (self._rows < start + SHARD_ROWS)
            positions = np.flatnonzero(inside)
            if positions.size:
                block = np.asarray(self._array[start : start + SHARD_ROWS])
                yield positions, block[self._rows[positions] - start]


def read_spectra(
    path: Path, ids: ArrayLike
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the spectra of some crystals, (n, n_bins), and their densities ρ0, (n,).

    Raises
    ------
    ValueError
        If the store lacks one of the crystals.
    """
    spectra = _Spectra(path, ids)
    out = np.empty((spectra.ids.size, n_bins(spectra.dmax)), np.float32)
    for rows, block in spectra.blocks():
        out[rows] = block
    return out, spectra.density


def _check_radiation(spectra: _Spectra, conditions: Conditions) -> None:
    if conditions.radiation != spectra.radiation:
        raise ValueError(
            f"the pair spectra are for {spectra.radiation}, the conditions for "
            f"{conditions.radiation}; make both for the same, reference.radiation "
            "in params.yaml."
        )


def write_pdfs(
    path: Path,
    spectra_path: Path,
    conditions: Sequence[Conditions],
    axis: Axis | None = None,
    ids: ArrayLike | None = None,
    progress: Progress | None = None,
) -> None:
    """Write G(r, Ω) on the network's 209 points from a store of pair spectra.

    Without an axis the dims are (crystal, r), with one (value, crystal, r).

    Parameters
    ----------
    path
        The store to write.
    spectra_path
        The store of pair spectra.
    conditions
        The conditions Ω: one, or one per value of the axis.
    axis
        The axis that the conditions vary.
    ids
        The crystals to simulate, in this order; all if left out.
    progress
        Called with the number of PDFs finished since the last call.

    Raises
    ------
    ValueError
        If the spectra lack a crystal, are for another radiation, or are too short.
    """
    spectra = _Spectra(spectra_path, ids)
    operators = []
    for omega in conditions:
        _check_radiation(spectra, omega)
        operators.append(input_operator(omega, spectra.dmax))
    mappings = [omega.to_mapping() for omega in conditions]
    n = spectra.ids.size
    dims: tuple[str, ...] = ("crystal", "r")
    shape: tuple[int, ...] = (n, INPUT_R.size)
    if axis is not None:
        dims, shape = ("value", *dims), (len(conditions), *shape)
    attributes: dict[str, Any] = {
        "format": "gromega pdfs 1",
        "conditions": json.dumps(mappings if axis else mappings[0]),
    }
    with new_store(path, attributes) as group:
        array = _variable(
            group, "g", dims, shape, {"units": "Å⁻²", "long_name": "G(r)"}
        )
        out = np.empty(shape, np.float32)
        layers = out if axis is not None else out[None]
        for rows, block in spectra.blocks():
            for layer, omega, op in zip(layers, conditions, operators, strict=True):
                g = apply_operator(op, block, spectra.density[rows])
                layer[rows] = add_noise(op, g, spectra.ids[rows].tolist(), omega.noise)
                if progress:
                    progress(rows.size)
        array[...] = out
        _coordinate(group, "r", INPUT_R, "Å")
        if axis is not None:
            values = np.array([getattr(omega, axis.name) for omega in conditions])
            _coordinate(group, "value", values, axis.unit)
            group.attrs["axis"] = axis.name
        _write_crystals(group, spectra.ids, spectra.density)


def verify(path: Path) -> int:
    """Read a whole store and return how many numbers it holds.

    Raises
    ------
    FileNotFoundError
        If there is no store.
    ValueError
        If a file is missing or damaged, or a number is not finite.
    """
    if not (path / "zarr.json").is_file():
        open_store(path)
    count = 0
    try:
        for name, array in zarr.open_group(path, mode="r").arrays():
            stored = sum(file.is_file() for file in (path / name / "c").rglob("*"))
            pieces = array.shards or array.chunks
            wanted = math.prod(
                -(-n // piece) for n, piece in zip(array.shape, pieces, strict=True)
            )
            if stored != wanted:
                raise ValueError(f"{name}: {stored} of {wanted} files")
            values = np.asarray(array[...])
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                raise ValueError(f"{name}: numbers that are nan")
            count += values.size
    except (ValueError, RuntimeError, TypeError, KeyError, OSError) as error:
        raise ValueError(
            f"{path}: the store is damaged ({error}); delete it and make it again "
            "with 'dvc repro'."
        ) from None
    return count
