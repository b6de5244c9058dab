"""Weights as a file holds them: a byte for each number of a matrix."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx
from numpy.typing import NDArray

from gromega.networks.quantize import SCALE, restore

_LEVELS = 127
# A scale keeps 16 of its 24 bits: then a scale times a level has no rounding error.
_SHORT = np.int32(-256)


def round_weights(network: nnx.Module) -> None:
    """Round a network's matrices to what `to_arrays` stores in one byte each.

    Each output of a layer has its own scale: w = s q with whole numbers q up to 127.
    """
    for _, value in nnx.to_flat_state(nnx.state(network, nnx.Param)):
        if value.ndim > 1:
            whole = np.asarray(value[...])
            scale = _scale(whole)
            scale = (scale.view(np.int32) & _SHORT).view(np.float32)
            value[...] = jnp.asarray(_levels(whole, scale) * scale)


def to_arrays(network: nnx.Module) -> dict[str, NDArray[Any]]:
    """Return the state of a network as the arrays of a file, by name.

    Rounded matrices are whole numbers with scales, the others are as they are.
    """
    arrays = {}
    for keys, value in nnx.to_flat_state(nnx.state(network)):
        name, array = "/".join(map(str, keys)), np.asarray(value[...], order="C")
        if array.dtype == np.float32 and array.ndim > 1:
            scale = _scale(array)
            levels = _levels(array, scale)
            if np.array_equal(levels * scale, array):
                arrays[name + SCALE] = scale
                array = levels.astype(np.int8)
        arrays[name] = array
    return arrays


def set_arrays(network: nnx.Module, arrays: Mapping[str, NDArray[Any]]) -> nnx.Module:
    """Return a network with the state that `to_arrays` returned.

    Parameters
    ----------
    network
        The network, of any weights or of shapes alone.
    arrays
        The arrays.

    Raises
    ------
    ValueError
        If they are not those of such a network.
    """
    graph, state = nnx.split(network)
    flat = nnx.to_flat_state(state)
    names = {"/".join(map(str, keys)) for keys, _ in flat}
    stored = restore(arrays)
    if names != set(stored):
        raise ValueError("its names are not those of the network")
    filled = []
    for keys, value in flat:
        name = "/".join(map(str, keys))
        array = stored[name]
        if array.shape != value.shape:
            raise ValueError(f"{name} has the shape {array.shape}")
        filled.append((keys, value.replace(jnp.asarray(array, value.dtype))))
    made: nnx.Module = nnx.merge(graph, nnx.from_flat_state(filled))
    return made


def _scale(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the scale of each output by which the largest number is 127."""
    largest = np.abs(array).reshape(-1, array.shape[-1]).max(axis=0)
    scale: NDArray[np.float32] = largest / np.float32(_LEVELS)
    return scale


def _levels(
    array: NDArray[np.float32], scale: NDArray[np.float32]
) -> NDArray[np.float32]:
    some = np.where(scale > 0, scale, np.float32(1))
    levels: NDArray[np.float32] = np.clip(np.round(array / some), -_LEVELS, _LEVELS)
    return levels
