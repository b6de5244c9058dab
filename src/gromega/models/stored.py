"""Arrays as a file of weights holds them: matrices in a byte for each number."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

SCALE = ":scale"
"""What the name of a matrix ends in where it is that of its scales."""


def restore(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return arrays by name, those of whole numbers times their scales."""
    return {
        name: array * arrays[name + SCALE] if name + SCALE in arrays else array
        for name, array in arrays.items()
        if not name.endswith(SCALE)
    }


def pack_names(names: Sequence[str]) -> NDArray[np.uint8]:
    """Return names without line breaks as an array of a file."""
    return np.frombuffer("\n".join(names).encode(), np.uint8)


def unpack_names(array: NDArray[np.uint8]) -> tuple[str, ...]:
    """Return the names of `pack_names`."""
    return tuple(array.tobytes().decode().split("\n"))
