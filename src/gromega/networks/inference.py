"""Inference with JAX: a network compiled for blocks of a few fixed sizes."""

import math
from functools import partial
from typing import Any

import jax
import numpy as np
from flax import nnx
from jax import Array
from numpy.typing import NDArray

from gromega.networks.logits import check_finite

# (most PDFs, PDFs in a block). JAX compiles each shape anew, so there are few; a small
# block wastes little padding on few PDFs, and a large one is faster for many.
_BLOCK_SIZES = ((1, 1), (128, 16), (math.inf, 512))


class Compiled:
    """A network with its present weights, for inference with JAX on a CPU or a GPU."""

    def __init__(self, network: nnx.Module) -> None:
        module: Any = network  # whose methods have no types
        module.eval()
        # Split once: nnx.jit would do it in every call, which is slow.
        self._graph, self._state = nnx.split(network)

    def predict(self, g: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return log-probabilities, (n, n_groups), for G on `INPUT_R`, (n, 209)."""
        return self._in_blocks("__call__", g)

    def embed(self, g: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return embeddings, (n, width), for G on `INPUT_R`, (n, 209)."""
        return self._in_blocks("embed", g)

    def head(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return log-probabilities, (n, n_groups), for embeddings, (n, width)."""
        return self._in_blocks("head", x)

    def _in_blocks(self, method: str, x: NDArray[np.float32]) -> NDArray[np.float32]:
        size = next(size for most, size in _BLOCK_SIZES if len(x) <= most)
        out = []
        for start in range(0, len(x), size):
            block = x[start : start + size]
            padded = np.pad(block, ((0, size - len(block)), (0, 0)), mode="edge")
            y = _apply(method, self._graph, self._state, padded)
            out.append(np.asarray(y)[: len(block)])
        return check_finite(np.concatenate(out))


@partial(jax.jit, static_argnums=(0, 1))
def _apply(method: str, graph: Any, state: Any, x: Array) -> Any:
    return getattr(nnx.merge(graph, state), method)(x)
