"""Networks that JAX computes, compiled for blocks of few sizes."""

import math
from functools import partial
from typing import Any

import jax
import numpy as np
from flax import nnx
from jax import Array
from numpy.typing import NDArray

from gromega.networks.logits import finite

BLOCKS = ((1, 1), (128, 16), (math.inf, 512))
"""For up to so many PDFs, the number that is computed at once."""


class Compiled:
    """A network as it is now, to infer with by JAX, on a GPU where there is one.

    Parameters
    ----------
    network
        The network.
    """

    def __init__(self, network: nnx.Module) -> None:
        network.eval()
        # Taken apart as compiled functions take it: that takes a while.
        self._graph, self._state = nnx.split(network)

    def predict(self, g: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return log-probabilities, (n, n_groups), for G on `INPUT_R`, (n, 209)."""
        return self._in_blocks(_forward, g)

    def embed(self, g: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the embeddings of a network that has them, (n, width)."""
        return self._in_blocks(_embed, g)

    def head(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return log-probabilities, (n, n_groups), from embeddings."""
        return self._in_blocks(_head, x)

    def _in_blocks(self, function: Any, x: NDArray[np.float32]) -> NDArray[np.float32]:
        size = next(size for most, size in BLOCKS if len(x) <= most)
        out = []
        for start in range(0, len(x), size):
            block = x[start : start + size]
            padded = np.pad(block, ((0, size - len(block)), (0, 0)), mode="edge")
            found = function(self._graph, self._state, padded)
            out.append(np.asarray(found)[: len(block)])
        return finite(np.concatenate(out))


@partial(jax.jit, static_argnums=0)
def _forward(graph: Any, state: nnx.State, g: Array) -> Array:
    return nnx.merge(graph, state)(g)


@partial(jax.jit, static_argnums=0)
def _embed(graph: Any, state: nnx.State, g: Array) -> Array:
    return nnx.merge(graph, state).embed(g)


@partial(jax.jit, static_argnums=0)
def _head(graph: Any, state: nnx.State, x: Array) -> Array:
    return nnx.merge(graph, state).head(x)
