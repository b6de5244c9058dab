"""The moving average of the weights of a training at a constant learning rate.

The weights after step s count in proportion to s⁹ (Karras et al., CVPR 2024, 24174), so
that nine tenths of it are from the last fifth of the training, however long that is.
It stands for the fall of the rate at the end of other trainings.
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
    # The sum of s⁹ up to t is t¹⁰/10 nearly: its last term has this share, 1 - (1 -
    # 1/t)¹⁰, here without the loss of digits for large t.
    share = -jnp.expm1((_POWER + 1.0) * jnp.log1p(-1.0 / count))

    def add(new: Array, old: Array) -> Array:
        if not jnp.issubdtype(new.dtype, jnp.floating):
            return new
        return old + share * (new - old)

    return count, jax.tree.map(add, values, average[1])
