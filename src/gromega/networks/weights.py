"""The weights of a Flax network as the arrays of a weights file, and back.

`quantize` defines how each array is stored, without importing JAX.
"""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx
from numpy.typing import NDArray

from gromega.networks.quantize import check_shapes, dequantize, quantize, round_matrix


def round_weights(network: nnx.Module) -> None:
    """Round a network's matrices, in place, to values that an int8 can store."""
    for _, value in nnx.to_flat_state(nnx.state(network, nnx.Param)):
        if value.ndim > 1:
            value[...] = jnp.asarray(round_matrix(np.asarray(value[...])))


def to_arrays(network: nnx.Module) -> dict[str, NDArray[Any]]:
    """Return the state of a network as the arrays of a file, by name.

    Rounded matrices are int8 with scales; all other arrays are as they are.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for keys, value in nnx.to_flat_state(nnx.state(network)):
        arrays |= quantize(_name(keys), np.asarray(value[...], order="C"))
    return arrays


def set_arrays(network: nnx.Module, arrays: Mapping[str, NDArray[Any]]) -> nnx.Module:
    """Return a network with the state that `to_arrays` returned.

    The network may have shapes alone instead of weights (`nnx.eval_shape`). A name or
    shape that is not that of the network is a ValueError.
    """
    graph, state = nnx.split(network)
    flat = nnx.to_flat_state(state)
    weights = dequantize(arrays)
    check_shapes(weights, {_name(keys): value.shape for keys, value in flat})
    filled = [
        (keys, value.replace(jnp.asarray(weights[_name(keys)], value.dtype)))
        for keys, value in flat
    ]
    made: nnx.Module = nnx.merge(graph, nnx.from_flat_state(filled))
    return made


def _name(keys: tuple[Any, ...]) -> str:
    return "/".join(map(str, keys))
