"""The moving average of the weights of a training at a constant learning rate.

It has the weights of each step s with a factor s⁹ (Karras et al., CVPR 2024, 24174), so
that nine tenths of it are from the last fifth of the training, however long that is.
An average is better than the latest weights, whose steps are still long.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

_POWER = 9.0
Values = Any
"""A pytree of arrays; those that are not of floats are the latest ones."""
Average = tuple[Array, Values]
"""The number of steps, and the average."""


def new_average(values: Values) -> Average:
    """Return the average before the first step, which counts for nothing."""
    return jnp.zeros((), jnp.int32), jax.tree.map(jnp.copy, values)


def add_to_average(average: Average, values: Values) -> Average:
    """Return the average with the values after one more step."""
    count = average[0] + 1
    # The sum of s⁹ up to t is t¹⁰/10 nearly: its last term has this share.
    share = 1.0 - (1.0 - 1.0 / count) ** (_POWER + 1.0)

    def add(new: Array, old: Array) -> Array:
        if not jnp.issubdtype(new.dtype, jnp.floating):
            return new
        return old + share * (new - old)

    return count, jax.tree.map(add, values, average[1])
