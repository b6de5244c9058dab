"""The data lake: Zarr stores of pair spectra and of G(r, Ω).

Stores are Zarr v3, sharded into tens of files with a crc32c on every chunk, and
named so that `xarray.open_zarr` shows dimensions, coordinates and units. A store is
written under another name and renamed when it is whole: one that is there is whole.
"""

import json
import math
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import ArrayLike, NDArray
from zarr.codecs import BloscCodec, Crc32cCodec, ZstdCodec

from gromega._util.files import put_in_place
from gromega._util.parallel import ordered_map
from gromega.conditions import RADIATIONS, Conditions
from gromega.crystals.crystal import Crystal
from gromega.crystals.table import crystals_of, read_table, row_batches, rows_of
from gromega.pdf.bins import DMAX, bin_centres, n_bins
from gromega.pdf.network_grid import INPUT_R, input_operator
from gromega.pdf.noise import add_crystal_noise
from gromega.pdf.operator import apply_operator
from gromega.pdf.scattering import is_visible
from gromega.pdf.spectrum import CHUNK, pair_spectra, spectra_of
from gromega.sweeps import Sweep

SHARD_ROWS = 8192
CHUNK_ROWS = 256
POINTS = ("value", "other")
"""The dimensions along the axes of a sweep."""
Progress = Callable[[int], None]


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
        What makes the spectra, of `gromega._util.parallel.open_pool`.
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


def open_store(path: Path) -> zarr.Group:
    """Return a store to read from.

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
    return zarr.open_group(path, mode="r")


def ids_of(store: zarr.Group) -> NDArray[np.str_]:
    """Return the ids of the crystals of a store, (n,)."""
    return np.array(whole(store, "crystal").tolist(), dtype=str)


def whole(store: zarr.Group, name: str) -> NDArray[Any]:
    """Return an array of a store."""
    array = store[name]
    assert isinstance(array, zarr.Array)
    return np.asarray(array[...])


class _Spectra:
    """The spectra of some crystals, read from a store shard by shard."""

    def __init__(self, path: Path, ids: ArrayLike | None) -> None:
        data = open_store(path)
        everything = ids_of(data)
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
        self.density = whole(data, "density")[rows]
        self.radiation = str(data.attrs["radiation"])
        self.dmax = float(str(data.attrs["dmax"]))
        self._rows = rows
        self._array = zarr.open_array(path / "spectrum", mode="r")

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Which crystals the radiation sees: all that are in a store."""
        return np.ones(self.ids.size, bool)

    def blocks(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Yield positions in `ids` with their spectra, one shard after another."""
        for start in range(0, self._array.shape[0], SHARD_ROWS):
            inside = (self._rows >= start) & (self._rows < start + SHARD_ROWS)
            positions = np.flatnonzero(inside)
            if positions.size:
                block = np.asarray(self._array[start : start + SHARD_ROWS])
                yield positions, block[self._rows[positions] - start]


def seen_spectra(
    crystals: Sequence[Crystal], radiation: str, dmax: float
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Return which crystals a radiation sees, (n,), and pair spectra, (n, n_bins).

    The spectrum of a crystal that it does not see, because an element has no scattering
    length, is zero.
    """
    seen = np.array([is_visible(crystal, radiation) for crystal in crystals])
    spectra = np.zeros((len(crystals), n_bins(dmax)), np.float32)
    visible = [
        crystal for crystal, is_one in zip(crystals, seen, strict=True) if is_one
    ]
    spectra[seen] = pair_spectra(visible, radiation, dmax)
    return seen, spectra


def by_radiation(
    crystals: Sequence[Crystal],
) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float32]]]:
    """Return number densities and, for each radiation, pair spectra up to `DMAX`."""
    density = np.array([crystal.density for crystal in crystals])
    return density, {name: seen_spectra(crystals, name, DMAX)[1] for name in RADIATIONS}


class _Made:
    """The spectra of the same crystals for another radiation, made as they are read."""

    def __init__(self, table: Path, radiation: str, like: _Spectra) -> None:
        crystals = crystals_of(rows_of(read_table(table), like.ids))
        self.seen, self._spectra = seen_spectra(crystals, radiation, like.dmax)

    def blocks(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Yield positions with their spectra, as `_Spectra` does."""
        for start in range(0, len(self._spectra), SHARD_ROWS):
            block = self._spectra[start : start + SHARD_ROWS]
            yield np.arange(start, start + len(block)), block


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


def read_pdfs(store: Path, ids: NDArray[np.str_]) -> NDArray[np.float32]:
    """Return G(r) of some crystals of a (crystal, r) store, (n, n_r), in Å⁻².

    Raises
    ------
    ValueError
        If the store lacks one of the crystals.
    """
    data = open_store(store)
    place = {name: i for i, name in enumerate(ids_of(data))}
    absent = [name for name in ids if name not in place]
    if absent:
        raise ValueError(
            f"{store}: the store lacks the crystal '{absent[0]}'; make it again with "
            "'dvc repro'."
        )
    rows = np.array([place[name] for name in ids])
    return whole(data, "g")[rows]


def write_pdfs(
    path: Path,
    spectra_path: Path,
    conditions: Sequence[Conditions],
    sweep: Sweep | None = None,
    ids: ArrayLike | None = None,
    crystals: Path | None = None,
    progress: Progress | None = None,
) -> None:
    """Write G(r, Ω) on the network's 209 points from a store of pair spectra.

    Without a sweep the dims are (crystal, r), with one (value, crystal, r), with a map
    (value, other, crystal, r). Where a crystal cannot be seen by a radiation, because
    an element has no neutron scattering length, its G is zero and ``seen`` false.

    Parameters
    ----------
    path
        The store to write.
    spectra_path
        The store of pair spectra.
    conditions
        The conditions Ω: one, or one per point of the sweep.
    sweep
        The sweep that the conditions are of.
    ids
        The crystals to simulate, in this order; all if left out.
    crystals
        The table of the crystals, to make pair spectra for another radiation than
        that of the store.
    progress
        Called with the number of PDFs finished since the last call.

    Raises
    ------
    ValueError
        If the spectra lack a crystal, are for another radiation, or are too short.
    """
    # JAX takes seconds to import: what only reads does without.
    import jax.numpy as jnp

    spectra = _Spectra(spectra_path, ids)
    sources: dict[str, _Spectra | _Made] = {spectra.radiation: spectra}
    for omega in conditions:
        if omega.radiation in sources:
            continue
        if crystals is None:
            raise ValueError(
                f"the pair spectra are for {spectra.radiation}, the conditions for "
                f"{omega.radiation}; make both for the same, reference.radiation "
                "in params.yaml."
            )
        sources[omega.radiation] = _Made(crystals, omega.radiation, spectra)
    mappings = [omega.to_mapping() for omega in conditions]
    operators = [input_operator(omega, spectra.dmax) for omega in conditions]
    n = spectra.ids.size
    points = POINTS[: len(sweep.shape)] if sweep else ()
    shape = (*(sweep.shape if sweep else ()), n, INPUT_R.size)
    attributes: dict[str, Any] = {
        "format": "gromega pdfs 1",
        "conditions": json.dumps(mappings if sweep else mappings[0]),
    }
    with new_store(path, attributes) as group:
        array = _variable(
            group, "g", (*points, "crystal", "r"), shape,
            {"units": "Å⁻²", "long_name": "G(r)"},
        )  # fmt: skip
        out = np.empty(shape, np.float32)
        layers = out.reshape(-1, n, INPUT_R.size)
        for radiation, source in sources.items():
            for rows, block in source.blocks():
                for layer, omega, op in zip(layers, conditions, operators, strict=True):
                    if omega.radiation != radiation:
                        continue
                    g = apply_operator(op, block, spectra.density[rows], jnp)
                    names = spectra.ids[rows].tolist()
                    layer[rows] = add_crystal_noise(op, np.asarray(g), names)
                    if progress:
                        progress(rows.size)
        for layer, omega in zip(layers, conditions, strict=True):
            layer[~sources[omega.radiation].seen] = 0.0
        array[...] = out
        _coordinate(group, "r", INPUT_R, "Å")
        seen = [sources[omega.radiation].seen for omega in conditions]
        _write_sweep(group, sweep, np.reshape(seen, shape[:-1]))
        _write_crystals(group, spectra.ids, spectra.density)


def _write_sweep(
    group: zarr.Group, sweep: Sweep | None, seen: NDArray[np.bool_]
) -> None:
    """Write the coordinates of a sweep, and what was seen if not all was."""
    points = POINTS[: seen.ndim - 1]
    if sweep is not None:
        for dim, axis in zip(points, sweep.axes, strict=True):
            _coordinate(group, dim, np.array(axis.values), axis.unit)
        group.attrs["sweep"] = sweep.name
    if seen.all():
        return
    array = group.create_array(
        "seen",
        shape=seen.shape,
        dtype="bool",
        chunks=seen.shape,
        compressors=(ZstdCodec(level=1), Crc32cCodec()),
        dimension_names=(*points, "crystal"),
        config={"write_empty_chunks": True},
    )
    array[...] = seen


def write_predictions(
    path: Path,
    sweep: Sweep | None,
    ids: NDArray[np.str_],
    space_groups: NDArray[np.int64],
    log_p: NDArray[np.floating],
    seen: NDArray[np.bool_],
    told: NDArray[np.floating] | None = None,
    by: Mapping[str, str] | None = None,
) -> None:
    """Write what a model answers: log-probabilities of space groups.

    Parameters
    ----------
    path
        The store to write.
    sweep
        The sweep that was answered, None at the reference.
    ids
        The crystals, (n,).
    space_groups
        The space group numbers, (n_groups,).
    log_p
        The log-probabilities, (..., n, n_groups), where ... is the shape of the sweep.
    seen
        Whether there was a PDF to answer, (..., n).
    told
        The log-probabilities where the model was told the compositions, (..., n,
        n_groups), of one that makes use of them.
    by
        The SHA-256 of the files of the model, by their names; none of another method.
    """
    points = POINTS[: len(sweep.shape)] if sweep else ()
    arrays = {"log_p": ("log-probability", log_p)}
    if told is not None:
        arrays["log_p_with_composition"] = (
            "log-probability, the composition known",
            told,
        )
    attributes: dict[str, Any] = {"format": "gromega answers 1"}
    if by:
        attributes["model"] = dict(by)
    with new_store(path, attributes) as group:
        for name, (long, values) in arrays.items():
            array = _variable(
                group, name, (*points, "crystal", "space_group"), values.shape,
                {"long_name": long},
            )  # fmt: skip
            array[...] = values.astype(np.float32)
        _write_sweep(group, sweep, seen)
        _coordinate(group, "space_group", space_groups)
        _coordinate(group, "crystal", ids)


def verify_store(path: Path) -> int:
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
        for name in zarr.open_group(path, mode="r").array_keys():
            # By its own metadata, as those open it who read it.
            array = zarr.open_array(path / name, mode="r")
            stored = sum(file.is_file() for file in (path / name / "c").rglob("*"))
            pieces = array.shards or array.chunks
            wanted = math.prod(
                -(-n // piece) for n, piece in zip(array.shape, pieces, strict=True)
            )
            if stored != wanted:
                raise ValueError(f"{name}: {stored} of {wanted} files")
            values = np.asarray(array[...])
            # The diameter of a bulk crystal is infinite.
            wrong = np.isnan if name in POINTS else lambda x: ~np.isfinite(x)
            if values.dtype.kind == "f" and wrong(values).any():
                raise ValueError(f"{name}: numbers that are nan")
            count += values.size
    except (ValueError, RuntimeError, TypeError, KeyError, OSError) as error:
        raise ValueError(
            f"{path}: the store is damaged ({error}); delete it and make it again "
            "with 'dvc repro'."
        ) from None
    return count
