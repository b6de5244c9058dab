"""The step of a training: one batch, its loss, its gradient, new parameters."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from gromega.training.inputs import TrainingInputs
from gromega.training.recipes import Recipe

State = Any
"""Parameters, what else the network holds, and the state of the optimizer."""


def make_step(
    recipe: Recipe, graph: Any, optimizer: Any, feed: TrainingInputs
) -> Callable[..., tuple[State, Array]]:
    """Return the step of a training, traceable: (state, loss) of a batch.

    It takes the state, the stock and the pool of the feed, the rows of the batch,
    (n_batch,), and a random key.
    """
    counts = np.bincount(feed.y)
    balanced = feed.y.size / np.maximum(counts, 1)
    weights = jnp.asarray(balanced if recipe.balanced else np.ones(counts.size), float)
    classes = jnp.asarray(feed.y)
    types = None if feed.types is None else jnp.asarray(feed.types)

    def loss_of(
        params: nnx.State,
        rest: nnx.State,
        g: Array,
        typed: Array,
        rows: Array,
        key: Array,
    ) -> tuple[Array, nnx.State]:
        network = nnx.merge(graph, params, rest, copy=True)
        network.train()
        y, each = classes[rows], jnp.arange(rows.size)
        if types is None:
            log_p, loss = network(g, rngs=nnx.Rngs(dropout=key)), jnp.zeros(())
        else:
            log_type = network.classes(g, rngs=nnx.Rngs(dropout=key))
            loss = -recipe.types * jnp.mean(typed * log_type[each, types[rows]])
            log_p = network.by_group(log_type)
        loss -= jnp.mean(weights[y] * log_p[each, y])
        if recipe.l2:
            kernels = [
                leaf
                for path, leaf in jax.tree_util.tree_leaves_with_path(params)
                if any(getattr(part, "key", None) == "kernel" for part in path)
            ]
            loss += recipe.l2 * sum(jnp.sum(kernel**2) for kernel in kernels)
        return loss, nnx.state(network, nnx.Not(nnx.Param))

    def step(
        state: State, stock: Any, pool: Any, rows: Array, key: Array
    ) -> tuple[State, Array]:
        params, rest, moments = state
        drop_key, data_key = jax.random.split(key)
        g = feed.inputs(stock, pool, rows, data_key)
        value = jax.value_and_grad(loss_of, has_aux=True)
        (loss, rest), gradient = value(
            params, rest, g, feed.typed(stock, rows), rows, drop_key
        )
        updates, moments = optimizer.update(gradient, moments, params)
        params = jax.tree.map(jnp.add, params, updates)
        return (params, rest, moments), loss

    return step


def make_scan(
    step: Callable[..., tuple[State, Array]], feed: TrainingInputs
) -> Callable[..., tuple[State, Any, Array]]:
    """Return what takes many steps in one call: (state, pool, losses).

    It takes the rows of all steps, (n_steps, n_batch), their keys and numbers.
    """

    def scan(
        state: State, stock: Any, pool: Any, rows: Array, keys: Array, numbers: Array
    ) -> tuple[State, Any, Array]:
        def body(carry: Any, of: Any) -> tuple[Any, Array]:
            state, pool = carry
            rows, key, number = of
            state, loss = step(state, stock, pool, rows, key)
            return (state, feed.renew(pool, number)), loss

        (state, pool), losses = jax.lax.scan(body, (state, pool), (rows, keys, numbers))
        return state, pool, losses

    return scan
