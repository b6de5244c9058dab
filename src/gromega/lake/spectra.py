"""The store of pair spectra, ``data/spectra.zarr``: written once for all conditions."""

from collections.abc import Iterator
from concurrent.futures import Executor
from functools import partial
from itertools import chain, islice
from pathlib import Path

import numpy as np
import zarr
from numpy.typing import ArrayLike, NDArray

from gromega._util.files import sha256
from gromega._util.parallel import ordered_map
from gromega.crystals.crystal import Crystal
from gromega.crystals.table import crystals_of, read_table, row_batches, rows_of
from gromega.lake.store import (
    SHARD_ROWS,
    Progress,
    create_variable,
    new_store,
    open_store,
    read_array,
    read_ids,
    rows_in_store,
    write_coordinate,
    write_crystals,
)
from gromega.pdf.bins import bin_centres, n_bins
from gromega.pdf.spectrum import CHUNK, spectra_of, valid_spectra

Block = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Rows among some crystals, (k,), and their spectra, (k, n_bins)."""


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

    with new_store(path, attributes, {table.name: sha256(table)}) as group:
        spectra = create_variable(
            group,
            "spectrum",
            ("crystal", "d"),
            (n, n_bins(dmax)),
            {"units": "Å⁻¹", "long_name": "p(d)/d on cubic B-splines"},
        )
        write_coordinate(group, "d", bin_centres(n_bins(dmax)), "Å")
        made = ordered_map(pool, partial(spectra_of, radiation, dmax), chunks())
        for start in range(0, n, SHARD_ROWS):
            block = np.empty((min(SHARD_ROWS, n - start), n_bins(dmax)), np.float32)
            for row in range(0, len(block), CHUNK):
                part = next(made)
                block[row : row + len(part)] = part
                if progress:
                    progress(len(part))
            spectra[start : start + len(block)] = block
        write_crystals(group, ids, density)


class StoredSpectra:
    """The pair spectra of some crystals, read from a store shard by shard.

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
        store = open_store(path)
        self.ids = read_ids(store)
        self._rows: NDArray[np.int64] = np.arange(self.ids.size)
        if ids is not None:
            self._rows = rows_in_store(path, store, ids)
            self.ids = self.ids[self._rows]
        self.density: NDArray[np.float64] = read_array(store, "density")[self._rows]
        self.radiation = str(store.attrs["radiation"])
        self.dmax = float(str(store.attrs["dmax"]))
        # A store holds no crystal that its radiation cannot measure.
        self.valid: NDArray[np.bool_] = np.ones(self.ids.size, bool)
        self._array = zarr.open_array(path / "spectrum", mode="r")

    def blocks(self) -> Iterator[Block]:
        """Yield rows among `ids` with their spectra, one shard after another."""
        for start in range(0, self._array.shape[0], SHARD_ROWS):
            inside = (self._rows >= start) & (self._rows < start + SHARD_ROWS)
            rows = np.flatnonzero(inside)
            if rows.size:
                block = np.asarray(self._array[start : start + SHARD_ROWS])
                yield rows, block[self._rows[rows] - start]


class ComputedSpectra:
    """The pair spectra of the same crystals for another radiation, computed.

    Parameters
    ----------
    table
        The table of the crystals.
    radiation
        The radiation.
    stored
        The stored spectra of these crystals, up to the same distance.
    """

    def __init__(self, table: Path, radiation: str, stored: StoredSpectra) -> None:
        crystals = crystals_of(rows_of(read_table(table), stored.ids))
        self.valid, self._spectra = valid_spectra(crystals, radiation, stored.dmax)

    def blocks(self) -> Iterator[Block]:
        """Yield rows with their spectra, as `StoredSpectra.blocks` does."""
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
    spectra = StoredSpectra(path, ids)
    out = np.empty((spectra.ids.size, n_bins(spectra.dmax)), np.float32)
    for rows, block in spectra.blocks():
        out[rows] = block
    return out, spectra.density
