"""The store of pair spectra, ``data/spectra.zarr``: written once for all conditions."""

from collections.abc import Iterator
from concurrent.futures import Executor
from functools import partial
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gromega._util.files import sha256
from gromega._util.parallel import ordered_map
from gromega.crystals.crystal import Crystal
from gromega.crystals.table import crystals_of, read_table, row_batches
from gromega.lake.shards import ShardWriter
from gromega.lake.store import (
    SHARD_ROWS,
    Progress,
    create_variable,
    new_store,
    open_store,
    read_array,
    read_ids,
    read_rows,
    rows_in_store,
    write_coordinate,
    write_crystals,
)
from gromega.pdf.bins import bin_centres, n_bins
from gromega.pdf.spectrum import CHUNK, spectra_of

_FORMAT = "gromega spectra 1"


def write_spectra(
    path: Path,
    table: Path,
    radiation: str,
    dmax: float,
    pool: Executor,
    progress: Progress | None = None,
) -> None:
    """Write the pair spectra of a table of crystals, dims (crystal, d).

    Crystals are read and spectra are written shard by shard, so memory stays bounded.
    The bytes do not depend on the pool.

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
        The pool that computes the spectra, of `gromega._util.parallel.open_pool`.
    progress
        The function to call with the number of crystals finished since the last call.
    """
    ids = np.array(read_table(table, ["id"])["id"].to_pylist())
    n = ids.size
    attributes = {
        "radiation": radiation,
        "dmax": dmax,
        "format": _FORMAT,
    }
    crystals = chain.from_iterable(map(crystals_of, row_batches(table)))
    density = np.empty(n)

    def chunks() -> Iterator[list[Crystal]]:
        done = 0
        while chunk := list(islice(crystals, CHUNK)):
            density[done : done + len(chunk)] = [crystal.density for crystal in chunk]
            done += len(chunk)
            yield chunk

    with new_store(path, attributes, {table.name: sha256(table)}) as group:
        spectra = create_variable(
            group,
            "spectrum",
            ("crystal", "d"),
            (n, n_bins(dmax)),
            {"units": "Å⁻¹", "long_name": "p(d)/d on cubic B-splines"},
        )
        write_coordinate(group, "d", bin_centres(n_bins(dmax)), "Å")
        writer = ShardWriter(spectra)
        for part in ordered_map(pool, partial(spectra_of, radiation, dmax), chunks()):
            writer.add(part)
            if progress:
                progress(len(part))
        write_crystals(group, ids, density)


class StoredSpectra:
    """The pair spectra of some crystals, read from a store.

    Parameters
    ----------
    path
        The store.
    ids
        The crystals, in this order; all if left out.

    Raises
    ------
    ValueError
        If the store lacks one of the crystals.
    """

    def __init__(self, path: Path, ids: ArrayLike | None = None) -> None:
        store = open_store(path, _FORMAT)
        self.ids = read_ids(store)
        self._rows: NDArray[np.int64] = np.arange(self.ids.size)
        if ids is not None:
            self._rows = rows_in_store(path, store, ids)
            self.ids = self.ids[self._rows]
        self.density: NDArray[np.float64] = read_array(store, "density")[self._rows]
        self.radiation = str(store.attrs["radiation"])
        self.dmax = float(str(store.attrs["dmax"]))
        self._path = path

    def read(
        self, rows: slice | NDArray[np.int64] = slice(None)
    ) -> NDArray[np.float32]:
        """Return the spectra of some of the crystals, (k, n_bins)."""
        wanted = self._rows[rows]
        out = np.empty((wanted.size, n_bins(self.dmax)), np.float32)
        for shard in np.unique(wanted // SHARD_ROWS):
            inside = np.flatnonzero(wanted // SHARD_ROWS == shard)
            first, last = wanted[inside].min(), wanted[inside].max()
            block = read_rows(self._path, "spectrum", slice(first, last + 1))
            out[inside] = block[wanted[inside] - first]
        return out


def read_spectra(
    path: Path, ids: ArrayLike
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the spectra of some crystals, (n, n_bins), and their densities ρ0, (n,).

    Raises
    ------
    ValueError
        If the store lacks one of the crystals.
    """
    spectra = StoredSpectra(path, ids)
    return spectra.read(), spectra.density
