"""Stores of G(r, Ω): ``data/reference.zarr`` and ``data/sweeps/<axis>.zarr``."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gromega._util.parallel import ordered_map
from gromega.conditions import Conditions
from gromega.crystals.crystal import Crystal
from gromega.crystals.table import crystals_of, read_table, rows_of
from gromega.defects import NO_DEFECTS, Defects
from gromega.lake.shards import ShardWriter
from gromega.lake.spectra import StoredSpectra
from gromega.lake.store import (
    POINTS,
    Progress,
    create_variable,
    manifest_hash,
    new_store,
    open_store,
    read_ids,
    read_points,
    read_rows,
    rows_in_store,
    write_coordinate,
    write_crystals,
    write_points,
)
from gromega.pdf.defects import add_defects, partners
from gromega.pdf.network_grid import INPUT_R, input_operator, input_readout
from gromega.pdf.operator import Operator, apply_operator
from gromega.pdf.scattering import is_visible
from gromega.pdf.simulate import clean_pdfs, needs_crystals
from gromega.pdf.spectrum import spectra_of

if TYPE_CHECKING:
    # Which axes exist must not change what the reference and the training depend on.
    from gromega.sweeps import Sweep

_FORMAT = "gromega pdfs 1"
_ROWS = 1024
"""The number of crystals that are simulated at a time."""
_Point = tuple[Conditions, Defects]


def read_pdfs(path: Path, ids: ArrayLike) -> NDArray[np.float32]:
    """Return G(r) of some crystals of a store of the reference, (n, n_r), in Å⁻².

    Raises
    ------
    ValueError
        If the store lacks one of the crystals.
    """
    g: NDArray[np.float32] = StoredPDFs(path, np.asarray(ids, str)).read()[0]
    return g


class StoredPDFs:
    """The PDFs of some crystals at the reference or along a sweep, read from a store.

    Parameters
    ----------
    path
        The store.
    ids
        The crystals, in this order; along a sweep, those of the store.
    sweep
        The sweep; None at the reference.

    Raises
    ------
    ValueError
        If the store lacks a crystal, is of other crystals, or of another sweep.
    """

    def __init__(
        self, path: Path, ids: NDArray[np.str_], sweep: "Sweep | None" = None
    ) -> None:
        store = open_store(path, _FORMAT)
        valid = read_points(path, store, sweep, ids.size)
        self.valid: NDArray[np.bool_] = valid.reshape(-1, valid.shape[-1])
        """Whether there is a PDF of each crystal at each point, (n_points, n)."""
        if sweep is None:
            self._rows = rows_in_store(path, store, ids)
        elif read_ids(store).tolist() == ids.tolist():
            self._rows = np.arange(ids.size)
        else:
            raise ValueError(
                f"{path}: the store is not of the test part; make it again with "
                "'dvc repro'."
            )
        self._path = path

    def read(self, rows: slice = slice(None)) -> NDArray[np.float32]:
        """Return G(r) of some of the crystals, (n_points, k, n_r), in Å⁻²."""
        wanted = self._rows[rows]
        first = wanted.min(initial=0)
        inside = slice(first, wanted.max(initial=0) + 1)
        g = read_rows(self._path, "g", inside)
        found: NDArray[np.float32] = g.reshape(-1, *g.shape[-2:])[:, wanted - first]
        return found


def write_pdfs(
    path: Path,
    spectra_path: Path,
    conditions: Sequence[Conditions],
    sweep: "Sweep | None" = None,
    ids: ArrayLike | None = None,
    crystals: Path | None = None,
    progress: Progress | None = None,
    pool: Executor | None = None,
) -> None:
    """Write G(r, Ω) on the network's 209 points from a store of pair spectra.

    Dims are (crystal, r) without a sweep, (value, crystal, r) with one, and (value,
    other, crystal, r) with a map. Where an element of a crystal has no scattering
    length for the radiation, G is zero and ``valid`` is false. Crystals are read and
    PDFs are written shard by shard; the bytes do not depend on the pool. The defects
    are those of the sweep; a second phase is another one of the crystals.

    Parameters
    ----------
    path
        The store to write.
    spectra_path
        The store of pair spectra.
    conditions
        The conditions Ω: one, or one for each point of the sweep.
    sweep
        The sweep that the conditions are of.
    ids
        The crystals to simulate, in this order; all if left out.
    crystals
        The table of the crystals, to compute other pair spectra than those of the
        store: for another radiation, for Uiso of the elements, or for form factors.
    progress
        The function to call with the number of PDFs finished since the last call.
    pool
        The workers of a cluster; None is this machine.

    Raises
    ------
    ValueError
        If the spectra lack a crystal, are for another radiation, or are too short.
    """
    spectra = StoredSpectra(spectra_path, ids)
    every = sweep.defects() if sweep else [NO_DEFECTS] * len(conditions)
    points = list(zip(conditions, every, strict=True))
    table = None
    if other := [omega for omega, has in points if _is_other(omega, has, spectra)]:
        table = rows_of(read_table(_needed(crystals, spectra, other[0])), spectra.ids)
    for omega, defects in points:
        # Refuse conditions that the spectra do not reach, before any is simulated.
        _operator(omega, defects, spectra.dmax)
    mixed = any(defects.second_phase for defects in every)
    phases = partners(spectra.ids.tolist()) if mixed else None
    every_row = np.arange(spectra.ids.size)

    def chunk(rows: NDArray[np.int64]) -> _Chunk:
        return _Chunk(
            spectra.ids[rows].tolist(), spectra.density[rows], spectra.read(rows),
            crystals_of(table.take(rows)) if table else None,
        )  # fmt: skip

    def chunks() -> Iterator[tuple[_Chunk, _Chunk | None]]:
        for rows in np.split(every_row, every_row[_ROWS::_ROWS]):
            yield chunk(rows), None if phases is None else chunk(phases[rows])

    shape = (*(sweep.shape if sweep else ()), spectra.ids.size, INPUT_R.size)
    mappings = [omega.to_mapping() for omega in conditions]
    attributes = {
        "format": _FORMAT,
        "conditions": json.dumps(mappings if sweep else mappings[0]),
    }
    inputs = {spectra_path.name: manifest_hash(spectra_path)}
    simulate = partial(_simulate, points, spectra.radiation, spectra.dmax)
    valid = []
    with new_store(path, attributes, inputs) as group:
        array = create_variable(
            group, "g", (*POINTS[: len(shape) - 2], "crystal", "r"), shape,
            {"units": "Å⁻²", "long_name": "G(r)"},
        )  # fmt: skip
        writer = ShardWriter(array)
        for g, measured in ordered_map(pool, simulate, chunks()):
            writer.add(g.reshape(*shape[:-2], *g.shape[-2:]))
            valid.append(measured)
            if progress:
                progress(measured.size)
        write_coordinate(group, "r", INPUT_R, "Å")
        write_points(group, sweep, np.concatenate(valid, axis=1).reshape(shape[:-1]))
        write_crystals(group, spectra.ids, spectra.density)


def _is_other(omega: Conditions, defects: Defects, spectra: StoredSpectra) -> bool:
    """Return whether a point needs other pair spectra than the stored ones."""
    return omega.radiation != spectra.radiation or needs_crystals(defects)


def _needed(crystals: Path | None, spectra: StoredSpectra, omega: Conditions) -> Path:
    """Return the table of crystals, which other spectra than the stored ones need."""
    if crystals is None and omega.radiation == spectra.radiation:
        raise ValueError("these defects need the table of crystals; give it.")
    if crystals is None:
        raise ValueError(
            f"the pair spectra are for {spectra.radiation}, the conditions for "
            f"{omega.radiation}; make both for the same, reference.radiation "
            "in params.yaml."
        )
    return crystals


@dataclass(frozen=True)
class _Chunk:
    """Some crystals to simulate: k ids, densities ρ0 and pair spectra."""

    ids: list[str]
    density: NDArray[np.float64]
    spectra: NDArray[np.float32]
    # Themselves, if other spectra are needed.
    crystals: list[Crystal] | None


@lru_cache(128)
def _operator(omega: Conditions, defects: Defects, dmax: float) -> Operator:
    return input_operator(omega, dmax, defects)


def _simulate(
    points: Sequence[_Point],
    radiation: str,
    dmax: float,
    chunks: tuple[_Chunk, _Chunk | None],
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return G(r) at each of the points, (n_points, k, n_r), and which are valid.

    The spectra of the chunk and of its second phases, if there are any, are those for
    `radiation`, up to dmax (Å).
    """
    chunk, phases = chunks
    found = _clean(points, radiation, dmax, chunk)
    mixed = [point for point in points if point[1].second_phase]
    others = iter(_clean(mixed, radiation, dmax, phases)[0]) if phases else None
    out, valid = found
    for layer, measured, (omega, defects) in zip(out, valid, points, strict=True):
        op = _operator(omega, defects, dmax)
        other = next(others) if others and defects.second_phase else None
        layer[:] = add_defects(op, layer, chunk.ids, defects, other)
        layer[~measured] = 0.0
    return out, valid


def _clean(
    points: Sequence[_Point], radiation: str, dmax: float, chunk: _Chunk
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return G(r) without phases, waves and noise, and which are valid."""
    # Importing JAX takes seconds, and reading does not need it.
    import jax.numpy as jnp

    out = np.zeros((len(points), len(chunk.ids), INPUT_R.size), np.float32)
    valid = np.ones(out.shape[:2], bool)
    spectra = {radiation: jnp.asarray(chunk.spectra)}
    for layer, measured, (omega, defects) in zip(out, valid, points, strict=True):
        op = _operator(omega, defects, dmax)
        if chunk.crystals:
            measured[:] = [is_visible(c, omega.radiation) for c in chunk.crystals]
            kept = [chunk.crystals[i] for i in np.flatnonzero(measured)]
            if needs_crystals(defects):
                readout = input_readout()
                layer[measured] = clean_pdfs(op, kept, omega, dmax, defects, readout)
                continue
            if omega.radiation not in spectra:
                made = np.zeros(chunk.spectra.shape, np.float32)
                made[measured] = spectra_of(omega.radiation, dmax, kept)
                spectra[omega.radiation] = jnp.asarray(made)
        g = apply_operator(op, spectra[omega.radiation], chunk.density, jnp)
        layer[:] = np.asarray(g)
        layer[~measured] = 0.0
    return out, valid
