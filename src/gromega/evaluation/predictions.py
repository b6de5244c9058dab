"""Predictions of the test part, at each condition."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from gromega.lake.store import (
    POINTS,
    ids_of,
    open_store,
    read_pdfs,
    whole,
    write_predictions,
)
from gromega.model.model import Model
from gromega.sweeps import Sweep, get_sweep

# That are asked at a time.
_ROWS = 4096


@dataclass(frozen=True)
class StoredPredictions:
    """The answers of a model at the reference, or at the points of a sweep.

    Parameters
    ----------
    ids
        The crystals, (n,).
    space_groups
        The space groups, (n_groups,), in the order of the model's outputs.
    log_p
        The log-probabilities, (n_points, n, n_groups); one point at the reference.
    seen
        Whether there was a PDF to answer, (n_points, n).
    sweep
        The sweep, None at the reference.
    told
        The log-probabilities where the model was told the compositions, (n_points, n,
        n_groups); None of a model that makes no use of them.
    by
        The SHA-256 of the files of the model; empty where it is not known.
    """

    ids: NDArray[np.str_]
    space_groups: NDArray[np.int64]
    log_p: NDArray[np.float32]
    seen: NDArray[np.bool_]
    sweep: Sweep | None
    told: NDArray[np.float32] | None = None
    by: Mapping[str, str] = field(default_factory=dict)

    def points(self) -> Iterator[tuple[str, NDArray[np.float32], NDArray[np.bool_]]]:
        """Yield the key of each point with log-probabilities and what was seen."""
        keys = self.sweep.keys() if self.sweep else [""]
        yield from zip(keys, self.log_p, self.seen, strict=True)


def answer(
    model: Model,
    pdfs: Path,
    ids: NDArray[np.str_],
    out: Path,
    compositions: Sequence[str] | None = None,
    by: Mapping[str, str] | None = None,
) -> StoredPredictions:
    """Ask a model for the space groups of crystals, and write what it answers.

    Parameters
    ----------
    model
        The model.
    pdfs
        The store of their G(r), of the reference or of a sweep.
    ids
        The crystals.
    out
        The store to write.
    compositions
        The compositions of the crystals, n of them, if the model is to answer a second
        time, told them.
    by
        The SHA-256 of the files of the model, as `hashes_of` returns them, to be kept
        with the answers.

    Raises
    ------
    ValueError
        If the store lacks one of the crystals, or a sweep is of others.
    """
    data = open_store(pdfs)
    sweep, seen = _sweep_of(pdfs, data, ids.size)
    if sweep is None:
        g = read_pdfs(pdfs, ids)[None]
    elif ids_of(data).tolist() != ids.tolist():
        raise ValueError(
            f"{pdfs}: the store is not of the test part; make it again with "
            "'dvc repro'."
        )
    else:
        g = np.asarray(zarr.open_array(pdfs / "g", mode="r"))
        g = g.reshape(-1, *g.shape[-2:])
    n_points, n_groups = len(g), model.space_groups.size
    log_p = np.empty((n_points, ids.size, n_groups), np.float32)
    told = None if compositions is None else np.empty_like(log_p)
    step = max(_ROWS // n_points, 1)
    for start in range(0, ids.size, step):
        rows = slice(start, start + step)
        # Crystal by crystal, so that what is like its composition is found once.
        asked = g[:, rows].swapaxes(0, 1).reshape(-1, g.shape[-1])
        known = compositions and np.repeat(compositions[rows], n_points).tolist()
        both = model.without_and_with_composition(asked, known)
        for into, found in zip((log_p, told), both, strict=True):
            if into is not None and found is not None:
                shaped = found.reshape(-1, n_points, n_groups)
                into[:, rows] = shaped.swapaxes(0, 1)
    shape = (*seen.shape, n_groups)
    told = None if told is None else told.reshape(shape)
    log_p, by = log_p.reshape(shape), by or {}
    write_predictions(out, sweep, ids, model.space_groups, log_p, seen, told, by)
    return _flat(ids, model.space_groups, log_p, seen, sweep, told, by)


def read_predictions(path: Path) -> StoredPredictions:
    """Return the answers of a store that `answer` wrote."""
    data = open_store(path)
    log_p, ids = whole(data, "log_p"), ids_of(data)
    sweep, seen = _sweep_of(path, data, ids.size)
    told = (
        whole(data, "log_p_with_composition")
        if "log_p_with_composition" in data
        else None
    )
    by = data.attrs.get("model", {})
    return _flat(ids, whole(data, "space_group"), log_p, seen, sweep, told, by)


def _sweep_of(
    path: Path, data: zarr.Group, n: int
) -> tuple[Sweep | None, NDArray[np.bool_]]:
    """Return the sweep of a store of n crystals, and what was seen of them."""
    sweep = get_sweep(str(data.attrs["sweep"])) if "sweep" in data.attrs else None
    for dim, axis in zip(POINTS, sweep.axes if sweep else (), strict=False):
        values = whole(data, dim).tolist()
        if values != list(axis.values):
            raise ValueError(
                f"{path}: its values of {axis.name} are {values}, but the sweep is "
                f"over {list(axis.values)} now; make it again with 'dvc repro'."
            )
    shape = (*(sweep.shape if sweep else ()), n)
    return sweep, whole(data, "seen") if "seen" in data else np.ones(shape, bool)


def _flat(
    ids: NDArray[np.str_],
    space_groups: NDArray[np.int64],
    log_p: NDArray[np.float32],
    seen: NDArray[np.bool_],
    sweep: Sweep | None,
    told: NDArray[np.float32] | None,
    by: Any,
) -> StoredPredictions:
    n, n_groups = log_p.shape[-2:]
    if told is not None:
        told = told.reshape(-1, n, n_groups)
    return StoredPredictions(
        ids, space_groups, log_p.reshape(-1, n, n_groups), seen.reshape(-1, n), sweep,
        told, by,
    )  # fmt: skip
