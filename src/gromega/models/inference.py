"""What a trained network says of PDFs, in blocks of one shape."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np
from flax import nnx
from jax import Array
from numpy.typing import NDArray

BLOCKS = ((1, 1), (128, 16), (math.inf, 512))
"""For up to so many PDFs, the number that is computed at once."""


@dataclass(frozen=True, eq=False)
class Frozen:
    """A network taken apart, as compiled functions take it: that takes a while.

    Parameters
    ----------
    graph
        Its structure.
    state
        Its weights.
    """

    graph: Any
    state: nnx.State

    @classmethod
    def of(cls, network: nnx.Module) -> "Frozen":
        """Return a network as it is now, to infer with."""
        network.eval()
        return cls(*nnx.split(network))


Network = nnx.Module | Frozen


def predict(network: Network, g: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the log-probabilities of a network, (n, n_groups), for G, (n, 209)."""
    return _finite(_forward, network, g)


def embed(network: Network, g: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the embeddings of a network that has them, (n, width)."""
    return _finite(_embed, network, g)


def rank_embedded(network: Network, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the log-probabilities of a network from embeddings, (n, width)."""
    return _finite(_head, network, x)


def _finite(
    function: Callable[..., Array], network: Network, x: NDArray[np.float32]
) -> NDArray[np.float32]:
    one = network if isinstance(network, Frozen) else Frozen.of(network)
    found = in_blocks(partial(function, one.graph, one.state), x)
    if not np.isfinite(found).all():
        raise ValueError(
            "the network gives numbers that are not finite; train it anew at a "
            "lower learning rate, or check its input."
        )
    return found


def in_blocks(
    function: Callable[[NDArray[np.float32]], Array], x: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return a function of rows, (n, ...), for rows x, compiled for few shapes."""
    size = next(size for most, size in BLOCKS if len(x) <= most)
    out = []
    for start in range(0, len(x), size):
        block = x[start : start + size]
        padded = np.pad(block, ((0, size - len(block)), (0, 0)), mode="edge")
        out.append(np.asarray(function(padded))[: len(block)])
    return np.concatenate(out)


@partial(jax.jit, static_argnums=0)
def _forward(graph: Any, state: nnx.State, g: Array) -> Array:
    return nnx.merge(graph, state)(g)


@partial(jax.jit, static_argnums=0)
def _embed(graph: Any, state: nnx.State, g: Array) -> Array:
    return nnx.merge(graph, state).embed(g)


@partial(jax.jit, static_argnums=0)
def _head(graph: Any, state: nnx.State, x: Array) -> Array:
    return nnx.merge(graph, state).head(x)


def ranks(log_p: NDArray[np.floating], y: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rank of the true class in each row, 0 the first, (n,).

    Of classes as probable, the first comes first, as in `Model.rank`.
    """
    order = np.argsort(-log_p, axis=1, kind="stable")
    return np.argmax(order == y[:, None], axis=1)


def top_k(
    log_probabilities: NDArray[np.floating], y: NDArray[np.int64], k: int
) -> float:
    """Return the share of rows whose class is among the k most probable."""
    return float(np.mean(ranks(log_probabilities, y) < k))
