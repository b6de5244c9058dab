"""Accuracy of a model on the test part, from stores of G(r, Ω)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from gromega.conditions import get_axis
from gromega.lake import open_store
from gromega.models.calibration import expected_calibration_error
from gromega.models.model import Model
from gromega.models.train import top_k

TOP = (1, 6)
Scores = dict[str, float | int]


def score(log_probabilities: NDArray[np.float32], y: NDArray[np.int64]) -> Scores:
    """Return the top-1 and top-6 accuracies and the number of crystals.

    With them goes the expected calibration error of the probabilities, ``ece``.
    """
    scores: Scores = {f"top{k}": round(top_k(log_probabilities, y, k), 6) for k in TOP}
    error = round(expected_calibration_error(log_probabilities, y), 6)
    return {**scores, "ece": error, "n": int(y.size)}


def classes(model: Model, space_groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the outputs of the model that stand for some space groups, (n,).

    Raises
    ------
    ValueError
        If the model does not know one of the groups.
    """
    unknown = np.setdiff1d(space_groups, model.space_groups)
    if unknown.size:
        raise ValueError(
            f"the model does not know the space group {unknown[0]}; train it on the "
            "same crystals with 'dvc repro'."
        )
    order = np.argsort(model.space_groups)
    return order[np.searchsorted(model.space_groups, space_groups, sorter=order)]


def reference_scores(
    model: Model, store: Path, ids: NDArray[np.str_], space_groups: NDArray[np.int64]
) -> Scores:
    """Return the scores of some crystals of a (crystal, r) store."""
    y = classes(model, space_groups)
    return score(model.log_probabilities(read_rows(store, ids)), y)


def sweep_scores(
    model: Model, store: Path, ids: NDArray[np.str_], space_groups: NDArray[np.int64]
) -> dict[str, Scores]:
    """Return the scores by value of a (value, crystal, r) store.

    Raises
    ------
    ValueError
        If the store holds other crystals than `ids`.
    """
    data = open_store(store)
    if data["crystal"].to_numpy().tolist() != ids.tolist():
        raise ValueError(
            f"{store}: the store is not of the test part; make it again with "
            "'dvc repro'."
        )
    axis = get_axis(data.attrs["axis"])
    y = classes(model, space_groups)
    layers = zarr.open_array(store / "g", mode="r")
    return {
        axis.key(float(value)): score(model.log_probabilities(np.asarray(layers[i])), y)
        for i, value in enumerate(data["value"].to_numpy())
    }


def read_rows(store: Path, ids: NDArray[np.str_]) -> NDArray[np.float32]:
    """Return G(r) of some crystals of a (crystal, r) store, (n, n_r), in Å⁻².

    Raises
    ------
    ValueError
        If the store lacks one of the crystals.
    """
    place = {name: i for i, name in enumerate(open_store(store)["crystal"].to_numpy())}
    absent = [name for name in ids if name not in place]
    if absent:
        raise ValueError(
            f"{store}: the store lacks the crystal '{absent[0]}'; make it again with "
            "'dvc repro'."
        )
    rows = np.array([place[name] for name in ids])
    return np.asarray(zarr.open_array(store / "g", mode="r")[...])[rows]


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file; run 'dvc repro'.")
    return json.loads(path.read_text())


def write_json(path: Path, values: object) -> None:
    """Write values as JSON, indented, with a line feed at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values, indent=2) + "\n")
