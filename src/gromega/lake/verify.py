"""Verification of stores: every checksum is right, every number is finite."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from gromega.lake.store import ERRORS, POINTS, open_store


def verify_store(path: Path) -> int:
    """Read a whole store and return the number of values in it.

    Raises
    ------
    FileNotFoundError
        If there is no store.
    ValueError
        If a file is missing or damaged, or a number is not finite.
    """
    store = open_store(path)
    try:
        # Readers take any text with the same values, also one with a flipped space.
        text = (path / "manifest.json").read_text("utf-8")
        if text != json.dumps(json.loads(text), indent=2) + "\n":
            raise ValueError("manifest.json")
        return sum(_verify_array(path, name) for name in store.array_keys())
    except ERRORS as error:
        raise ValueError(
            f"{path}: the store is damaged ({error}); delete it and make it again "
            "with 'dvc repro'."
        ) from None


def _verify_array(path: Path, name: str) -> int:
    # By its own metadata, not the consolidated ones: readers open arrays so, too.
    array = zarr.open_array(path / name, mode="r")
    values: NDArray[Any] = np.asarray(array[...])
    if values.dtype.kind == "f":
        # The diameter of a bulk crystal is infinite.
        wrong = np.isnan(values) if name in POINTS else ~np.isfinite(values)
        if wrong.any():
            raise ValueError(f"{name}: numbers that are not finite")
    return values.size
