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


def pack_halves(whole: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Return rows of whole numbers from -8 to 7, (n, k), two to a byte."""
    halves = (whole + 8).astype(np.uint8)
    if halves.shape[1] % 2:
        halves = np.pad(halves, ((0, 0), (0, 1)))
    return np.asarray(halves[:, ::2] | halves[:, 1::2] << 4, np.uint8)


def unpack_halves(array: NDArray[np.uint8], k: int) -> NDArray[np.int8]:
    """Return the rows of `pack_halves`, (n, k)."""
    halves = np.stack([array & 15, array >> 4], axis=2).reshape(len(array), -1)
    return halves[:, :k].astype(np.int8) - np.int8(8)
