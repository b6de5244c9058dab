"""The weights of a Flax network as the arrays of a weights file, and back.

`quantize` defines how each array is stored, without importing JAX.
"""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx
from numpy.typing import NDArray

from gromega.networks.quantize import dequantize, quantize, round_matrix


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

    The network may have shapes alone instead of weights (`nnx.eval_shape`).

    Raises
    ------
    ValueError
        If a name or a shape is not that of the network.
    """
    graph, state = nnx.split(network)
    flat = nnx.to_flat_state(state)
    names = {_name(keys) for keys, _ in flat}
    weights = dequantize(arrays)
    if names != set(weights):
        odd = min(names ^ set(weights))
        where = "is missing" if odd in names else "is not part of the network"
        raise ValueError(f"{odd} {where}")
    filled = []
    for keys, value in flat:
        array = weights[_name(keys)]
        if array.shape != value.shape:
            raise ValueError(
                f"{_name(keys)} has the shape {array.shape}, not {value.shape}"
            )
        filled.append((keys, value.replace(jnp.asarray(array, value.dtype))))
    made: nnx.Module = nnx.merge(graph, nnx.from_flat_state(filled))
    return made


def _name(keys: tuple[Any, ...]) -> str:
    return "/".join(map(str, keys))
