"""Arrays as a weights file stores them, in NumPy alone.

Matrices are stored as int8 with a float32 scale for each output. This module is apart
from `weights`, which does so for a Flax network, because inference with NumPy must not
import JAX.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

SCALE = ":scale"  # the suffix of the name of a matrix's scales
_MAX = 127
# A scale keeps 16 of its 24 significant bits, so scale × int8 is exact in float32.
_SCALE_BITS = np.int32(-256)


def round_matrix(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a matrix, (..., n_outputs), that `quantize` stores without further loss.

    Each output has its own scale s, and w = s q with integers q from -127 to 127.
    """
    scale = (_scale(matrix).view(np.int32) & _SCALE_BITS).view(np.float32)
    rounded: NDArray[np.float32] = _levels(matrix, scale) * scale
    return rounded


def quantize(name: str, array: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return an array as it is stored: by name, and with its scales if it has some.

    A matrix that `round_matrix` returned becomes int8 with scales; any other array
    stays as it is.
    """
    if array.dtype == np.float32 and array.ndim > 1:
        scale = _scale(array)
        levels = _levels(array, scale)
        if np.array_equal(levels * scale, array):
            return {name + SCALE: scale, name: levels.astype(np.int8)}
    return {name: array}


def dequantize(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return arrays by name, those with scales multiplied by them."""
    return {
        name: array * arrays[name + SCALE] if name + SCALE in arrays else array
        for name, array in arrays.items()
        if not name.endswith(SCALE)
    }


def check_shapes(
    arrays: Mapping[str, NDArray[Any]], shapes: Mapping[str, tuple[int, ...]]
) -> None:
    """Raise a ValueError if arrays are not those of a network with some shapes."""
    for name in {**shapes, **arrays}:
        if name not in arrays:
            raise ValueError(f"{name} is missing")
        if name not in shapes:
            raise ValueError(f"{name} is not part of the network")
        if arrays[name].shape != shapes[name]:
            raise ValueError(
                f"{name} has the shape {arrays[name].shape}, not {shapes[name]}"
            )


def _scale(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the scales, (n_outputs,), by which each largest number is 127."""
    largest = np.abs(array).reshape(-1, array.shape[-1]).max(axis=0)
    scale: NDArray[np.float32] = largest / np.float32(_MAX)
    return scale


def _levels(
    array: NDArray[np.float32], scale: NDArray[np.float32]
) -> NDArray[np.float32]:
    divisor = np.where(scale > 0, scale, np.float32(1))
    levels: NDArray[np.float32] = np.clip(np.round(array / divisor), -_MAX, _MAX)
    return levels


def pack_names(names: Sequence[str]) -> NDArray[np.uint8]:
    """Return names, which hold no line breaks, as one array of UTF-8 bytes."""
    return np.frombuffer("\n".join(names).encode(), np.uint8)


def unpack_names(array: NDArray[np.uint8]) -> tuple[str, ...]:
    """Return the names that `pack_names` packed."""
    return tuple(array.tobytes().decode().split("\n"))


def pack_halves(whole: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Return 4-bit integers, from -8 to 7, (n, k), two to a byte: (n, ⌈k / 2⌉)."""
    halves = (whole + 8).astype(np.uint8)
    if halves.shape[1] % 2:
        halves = np.pad(halves, ((0, 0), (0, 1)))
    return np.asarray(halves[:, ::2] | halves[:, 1::2] << 4, np.uint8)


def unpack_halves(array: NDArray[np.uint8], k: int) -> NDArray[np.int8]:
    """Return the 4-bit integers that `pack_halves` packed, (n, k)."""
    halves = np.stack([array & 15, array >> 4], axis=2).reshape(len(array), -1)
    return halves[:, :k].astype(np.int8) - np.int8(8)
