"""Stores of predictions, in ``data/predictions``: log-probabilities of space groups."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gromega.lake.shards import ShardWriter
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


Add = Callable[[NDArray[np.floating], NDArray[np.floating] | None], None]
"""A function that takes the log-probabilities of the next k crystals, (n_points, k,
n_groups), and those with the composition, if the store has them."""


@contextmanager
def new_predictions(
    path: Path,
    predictions: StoredPredictions,
    with_composition: bool,
    inputs: Mapping[str, str] | None = None,
) -> Iterator[Add]:
    """Yield a function that adds log-probabilities to a store, which is written whole.

    Parameters
    ----------
    path
        The store to write.
    predictions
        The predictions, of which the log-probabilities are left out.
    with_composition
        Whether there are log-probabilities with the composition.
    inputs
        The SHA-256 of the inputs of the store, by name.
    """
    sweep, ids = predictions.sweep, predictions.ids
    shape = sweep.shape if sweep else ()
    attributes: dict[str, Any] = {"format": _FORMAT}
    if predictions.model_sha256:
        attributes["model"] = dict(predictions.model_sha256)
    dims = (*POINTS[: len(shape)], "crystal", "space_group")
    whole = (*shape, ids.size, predictions.space_groups.size)
    names = {"log_p": "log-probability"}
    if with_composition:
        names["log_p_with_composition"] = "log-probability given the composition"
    with new_store(path, attributes, inputs) as group:
        writers = [
            ShardWriter(create_variable(group, name, dims, whole, {"long_name": text}))
            for name, text in names.items()
        ]

        def add(*blocks: NDArray[np.floating] | None) -> None:
            for writer, block in zip(writers, blocks, strict=False):
                assert block is not None
                block = block.reshape(*shape, *block.shape[-2:])
                writer.add(block.astype(np.float32))

        yield add
        write_points(group, sweep, predictions.valid.reshape(*shape, -1))
        write_coordinate(group, "space_group", predictions.space_groups)
        write_coordinate(group, "crystal", ids)


def write_predictions(
    path: Path, predictions: StoredPredictions, inputs: Mapping[str, str] | None = None
) -> None:
    """Write predictions to a store, with the SHA-256 of its inputs by name."""
    known = predictions.log_p_with_composition
    with new_predictions(path, predictions, known is not None, inputs) as add:
        add(predictions.log_p, known)


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
    store = open_store(path, _FORMAT)
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
