"""Stores of G(r, Ω): ``data/reference.zarr`` and ``data/sweeps/<axis>.zarr``."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gromega.conditions import Conditions
from gromega.lake.spectra import ComputedSpectra, StoredSpectra
from gromega.lake.store import (
    POINTS,
    Progress,
    create_variable,
    manifest_hash,
    new_store,
    open_store,
    read_array,
    read_ids,
    read_points,
    rows_in_store,
    write_coordinate,
    write_crystals,
    write_points,
)
from gromega.pdf.network_grid import INPUT_R, input_operator
from gromega.pdf.noise import add_crystal_noise
from gromega.pdf.operator import apply_operator

if TYPE_CHECKING:
    # Which axes exist must not change what the reference and the training depend on.
    from gromega.sweeps import Sweep


def read_pdfs(path: Path, ids: ArrayLike) -> NDArray[np.float32]:
    """Return G(r) of some crystals of a store of the reference, (n, n_r), in Å⁻².

    Raises
    ------
    ValueError
        If the store lacks one of the crystals.
    """
    store = open_store(path)
    rows = rows_in_store(path, store, ids)
    g: NDArray[np.float32] = read_array(store, "g")[rows]
    return g


def read_sweep_pdfs(
    path: Path, ids: NDArray[np.str_], sweep: "Sweep"
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return G(r) along a sweep, (n_points, n, n_r), in Å⁻², and which are valid.

    The latter is (..., n), where ... is the shape of the sweep.

    Raises
    ------
    ValueError
        If the store is of other crystals, or of another sweep.
    """
    store = open_store(path)
    valid = read_points(path, store, sweep, ids.size)
    if read_ids(store).tolist() != ids.tolist():
        raise ValueError(
            f"{path}: the store is not of the test part; make it again with "
            "'dvc repro'."
        )
    g: NDArray[np.float32] = read_array(store, "g")
    return g.reshape(-1, *g.shape[-2:]), valid


def write_pdfs(
    path: Path,
    spectra_path: Path,
    conditions: Sequence[Conditions],
    sweep: "Sweep | None" = None,
    ids: ArrayLike | None = None,
    crystals: Path | None = None,
    progress: Progress | None = None,
) -> None:
    """Write G(r, Ω) on the network's 209 points from a store of pair spectra.

    Dims are (crystal, r) without a sweep, (value, crystal, r) with one, and (value,
    other, crystal, r) with a map. Where an element of a crystal has no scattering
    length for the radiation, G is zero and ``valid`` is false.

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
        The table of the crystals, to compute pair spectra for another radiation than
        that of the store.
    progress
        The function to call with the number of PDFs finished since the last call.

    Raises
    ------
    ValueError
        If the spectra lack a crystal, are for another radiation, or are too short.
    """
    # Importing JAX takes seconds, and reading does not need it.
    import jax.numpy as jnp

    spectra = StoredSpectra(spectra_path, ids)
    sources = _sources(spectra, conditions, crystals)
    operators = [input_operator(omega, spectra.dmax) for omega in conditions]
    n = spectra.ids.size
    points = POINTS[: len(sweep.shape)] if sweep else ()
    shape = (*(sweep.shape if sweep else ()), n, INPUT_R.size)
    out = np.empty(shape, np.float32)
    layers = out.reshape(-1, n, INPUT_R.size)
    mappings = [omega.to_mapping() for omega in conditions]
    attributes = {
        "format": "gromega pdfs 1",
        "conditions": json.dumps(mappings if sweep else mappings[0]),
    }
    inputs = {spectra_path.name: manifest_hash(spectra_path)}
    with new_store(path, attributes, inputs) as group:
        array = create_variable(
            group, "g", (*points, "crystal", "r"), shape,
            {"units": "Å⁻²", "long_name": "G(r)"},
        )  # fmt: skip
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
        valid = [sources[omega.radiation].valid for omega in conditions]
        for layer, measured in zip(layers, valid, strict=True):
            layer[~measured] = 0.0
        array[...] = out
        write_coordinate(group, "r", INPUT_R, "Å")
        write_points(group, sweep, np.reshape(valid, shape[:-1]))
        write_crystals(group, spectra.ids, spectra.density)


def _sources(
    spectra: StoredSpectra, conditions: Sequence[Conditions], crystals: Path | None
) -> dict[str, StoredSpectra | ComputedSpectra]:
    """Return the pair spectra for each radiation of some conditions."""
    sources: dict[str, StoredSpectra | ComputedSpectra] = {spectra.radiation: spectra}
    for omega in conditions:
        if omega.radiation in sources:
            continue
        if crystals is None:
            raise ValueError(
                f"the pair spectra are for {spectra.radiation}, the conditions for "
                f"{omega.radiation}; make both for the same, reference.radiation "
                "in params.yaml."
            )
        sources[omega.radiation] = ComputedSpectra(crystals, omega.radiation, spectra)
    return sources
