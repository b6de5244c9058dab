"""The step of a training: a batch, its loss and gradient, and new parameters."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from gromega.training.inputs import Arrays, TrainingInputs
from gromega.training.moving_average import add_to_average
from gromega.training.recipes import Recipe
from gromega.training.type_loss import type_loss

State = Any
"""The parameters, the network's other variables, the optimizer's state, and the moving
average of parameters and variables, or None."""
Step = Callable[[State, Arrays, Arrays, Array, Array], tuple[State, Array]]
"""(state, epoch arrays, operator buffer, rows (n_batch,), key) to (state, loss)."""


def make_step(
    recipe: Recipe, graph: Any, optimizer: Any, inputs: TrainingInputs
) -> Step:
    """Return the step of a training, which is traceable.

    The loss is the mean of -w_i log p_i over the rows, i the class of a row and w_i its
    weight, plus, by the type mask, the weighted -log p of the structure type, plus the
    L2 term. The graph of the network is that of `nnx.split`.
    """
    counts = np.bincount(inputs.y)
    balanced = inputs.y.size / np.maximum(counts, 1)
    weights = jnp.asarray(balanced if recipe.balanced else np.ones(counts.size), float)
    classes = jnp.asarray(inputs.y)
    types = None if inputs.types is None else jnp.asarray(inputs.types)

    def loss_of(
        params: Any, rest: Any, g: Array, type_mask: Array, rows: Array, key: Array
    ) -> tuple[Array, Any]:
        network = nnx.merge(graph, params, rest, copy=True)
        network.train()
        y, dropout = classes[rows], nnx.Rngs(dropout=key)
        of_group = weights[y] / rows.size
        if types is None:
            log_p = network(g, rngs=dropout)
            loss = -of_group @ log_p[jnp.arange(rows.size), y]
        else:
            loss = type_loss(
                network.type_outputs(g, rngs=dropout), network.group_of_type[...], y,
                types[rows], of_group, recipe.type_weight * type_mask / rows.size,
            )  # fmt: skip
        if recipe.l2:
            kernels = [
                leaf
                for path, leaf in jax.tree_util.tree_leaves_with_path(params)
                if any(getattr(part, "key", None) == "kernel" for part in path)
            ]
            loss += recipe.l2 * sum(jnp.sum(kernel**2) for kernel in kernels)
        return loss, nnx.state(network, nnx.Not(nnx.Param))

    def step(
        state: State, arrays: Arrays, buffer: Arrays, rows: Array, key: Array
    ) -> tuple[State, Array]:
        params, rest, moments, mean = state
        dropout_key, batch_key = jax.random.split(key)
        g = inputs.batch(arrays, buffer, rows, batch_key)
        mask = inputs.type_mask(arrays, rows)
        value = jax.value_and_grad(loss_of, has_aux=True)
        (loss, rest), gradient = value(params, rest, g, mask, rows, dropout_key)
        updates, moments = optimizer.update(gradient, moments, params)
        params = jax.tree.map(jnp.add, params, updates)
        if mean is not None:
            mean = add_to_average(mean, (params, rest))
        return (params, rest, moments, mean), loss

    return step


def make_scan(
    step: Step, inputs: TrainingInputs
) -> Callable[..., tuple[State, Arrays, Array]]:
    """Return a function that takes many steps in one call.

    It takes the state, the epoch arrays and the operator buffer, and as its plan the
    rows, (n_steps, n_batch), keys and numbers, (n_steps,), of all steps. It returns the
    state, the buffer and the losses, (n_steps,).
    """

    def scan(
        state: State, arrays: Arrays, buffer: Arrays, *plan: Array
    ) -> tuple[State, Arrays, Array]:
        def body(carry: Any, of_step: Any) -> tuple[Any, Array]:
            (state, buffer), (rows, key, number) = carry, of_step
            state, loss = step(state, arrays, buffer, rows, key)
            return (state, inputs.refresh(buffer, number)), loss

        (state, buffer), losses = jax.lax.scan(body, (state, buffer), plan)
        return state, buffer, losses

    return scan
