"""Stores of predictions, in ``data/predictions``: log-probabilities of space groups."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gromega.lake.store import (
    POINTS,
    create_variable,
    new_store,
    open_store,
    read_array,
    read_ids,
    read_points,
    write_coordinate,
    write_points,
)

if TYPE_CHECKING:
    # Which axes exist must not change what the evaluation at the reference depends on.
    from gromega.sweeps import Sweep

_FORMAT = "gromega predictions 1"


@dataclass(frozen=True)
class StoredPredictions:
    """The predictions of a model at the reference, or at the points of a sweep.

    Parameters
    ----------
    ids
        The crystals, (n,).
    space_groups
        The space groups, (n_groups,), in the order of the model's outputs.
    log_p
        The log-probabilities, (n_points, n, n_groups); one point at the reference.
    valid
        Whether there was a PDF to predict from, (n_points, n).
    sweep
        The sweep; None at the reference.
    log_p_with_composition
        The log-probabilities given the composition, (n_points, n, n_groups); None of a
        model that makes no use of it.
    model_sha256
        The SHA-256 of the files of the model; empty for another method.
    """

    ids: NDArray[np.str_]
    space_groups: NDArray[np.int64]
    log_p: NDArray[np.float32]
    valid: NDArray[np.bool_]
    sweep: "Sweep | None" = None
    log_p_with_composition: NDArray[np.float32] | None = None
    model_sha256: Mapping[str, str] = field(default_factory=dict)

    def points(self) -> Iterator[tuple[str, NDArray[np.float32], NDArray[np.bool_]]]:
        """Yield the key of each point, its log-probabilities, and which are valid."""
        keys = self.sweep.keys() if self.sweep else [""]
        yield from zip(keys, self.log_p, self.valid, strict=True)


def write_predictions(
    path: Path, predictions: StoredPredictions, inputs: Mapping[str, str] | None = None
) -> None:
    """Write predictions to a store, with the SHA-256 of its inputs by name."""
    sweep = predictions.sweep
    shape = sweep.shape if sweep else ()
    arrays = {"log_p": ("log-probability", predictions.log_p)}
    if predictions.log_p_with_composition is not None:
        arrays["log_p_with_composition"] = (
            "log-probability given the composition",
            predictions.log_p_with_composition,
        )
    attributes: dict[str, Any] = {"format": _FORMAT}
    if predictions.model_sha256:
        attributes["model"] = dict(predictions.model_sha256)
    dims = (*POINTS[: len(shape)], "crystal", "space_group")
    with new_store(path, attributes, inputs) as group:
        for name, (long_name, values) in arrays.items():
            values = values.reshape(*shape, *values.shape[-2:]).astype(np.float32)
            array = create_variable(
                group, name, dims, values.shape, {"long_name": long_name}
            )
            array[...] = values
        write_points(group, sweep, predictions.valid.reshape(*shape, -1))
        write_coordinate(group, "space_group", predictions.space_groups)
        write_coordinate(group, "crystal", predictions.ids)


def read_predictions(path: Path, sweep: "Sweep | None" = None) -> StoredPredictions:
    """Return the predictions of a store.

    Parameters
    ----------
    path
        The store.
    sweep
        The sweep that the predictions are along; the reference if left out.

    Raises
    ------
    FileNotFoundError
        If there is no store.
    ValueError
        If it holds no predictions, or they are along another sweep.
    """
    store = open_store(path)
    if store.attrs.get("format") != _FORMAT:
        raise ValueError(
            f"{path}: the store has the format {store.attrs.get('format')!r}, not "
            f"{_FORMAT!r}; make it again with 'dvc repro'."
        )
    ids = read_ids(store)
    valid = read_points(path, store, sweep, ids.size)
    log_p: dict[str, NDArray[np.float32]] = {}
    for name in ("log_p", "log_p_with_composition"):
        if name in store:
            values = read_array(store, name)
            log_p[name] = values.reshape(-1, *values.shape[-2:])
    model: Any = store.attrs.get("model", {})
    return StoredPredictions(
        ids, read_array(store, "space_group"), log_p["log_p"],
        valid.reshape(-1, ids.size), sweep, log_p.get("log_p_with_composition"), model,
    )  # fmt: skip
