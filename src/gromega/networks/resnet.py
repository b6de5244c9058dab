"""The network of the recipe `robust`: a residual network on normalized G(r).

`resnet_numpy` computes the same in NumPy: change both together.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array
from jax.nn import initializers

from gromega.networks.convolution import convolution
from gromega.networks.norm_silu import norm_silu
from gromega.networks.resnet_constants import NORM_GROUPS, TINY, WINDOW
from gromega.pdf.network_grid import INPUT_R

_HE = initializers.he_normal()
_conv = partial(convolution, init=_HE)


def views(g: Array) -> Array:
    """Return G(r) normalized in two ways, (n, 209) to (n, 209, 2).

    The first channel is G over its r.m.s., the second G over its local r.m.s. Neither
    depends on the scale of G, and the second hardly on how G decays with r, by the
    instrument's resolution or a small crystallite size.
    """
    largest = jnp.abs(g).max(axis=1, keepdims=True)
    g = g / jnp.where(largest > 0, largest, 1.0)
    power = (g**2)[:, :, None]
    mean = jnp.mean(power, axis=1, keepdims=True)
    window = (WINDOW,)
    avg_pool: Any = nnx.avg_pool  # which has no types
    local = avg_pool(power, window, strides=(1,), padding="SAME")
    whole = g[:, :, None] * jax.lax.rsqrt(mean + 1e-12)
    level = g[:, :, None] * jax.lax.rsqrt(local + 1e-3 * mean + 1e-12)
    return jnp.concatenate([whole, level], axis=2)


def _norm(channels: int, rngs: nnx.Rngs) -> nnx.GroupNorm:
    # Not BatchNorm: the conditions differ within a batch.
    return nnx.GroupNorm(channels, num_groups=NORM_GROUPS, rngs=rngs)


class PreActivationBlock(nnx.Module):
    """Two 5-tap convolutions, each after its norm and SiLU, and a shortcut."""

    def __init__(self, inputs: int, outputs: int, strides: int, rngs: nnx.Rngs) -> None:
        self.first_norm = _norm(inputs, rngs)
        self.first = _conv(inputs, outputs, 5, rngs, strides)
        self.second_norm = _norm(outputs, rngs)
        self.second = _conv(outputs, outputs, 5, rngs)
        # A fresh block is its shortcut alone.
        self.gain = nnx.Param(jnp.zeros(1))
        alike = strides == 1 and inputs == outputs
        self.shortcut = None if alike else _conv(inputs, outputs, 1, rngs, strides)

    def __call__(self, x: Array) -> Array:
        y = norm_silu(self.first_norm, x)
        z = self.second(norm_silu(self.second_norm, self.first(y)))
        return (self.shortcut(y) if self.shortcut else x) + self.gain[...] * z


class ResNet(nnx.Module):
    """A residual network with a dense layer over all of r.

    Stages of blocks, each of which halves the r axis, then one dense layer over all r
    and channels, which keeps the distances that a mean over r would lose. From G(r),
    (n, 209), to log-probabilities, (n, n_groups).
    """

    def __init__(
        self,
        n_groups: int,
        widths: Sequence[int],  # channels of each stage, multiples of `NORM_GROUPS`
        blocks: Sequence[int],  # of each stage
        dense: int,  # the width of the dense layer
        dropout: float,  # before the dense layer; without an embedding the last one too
        # The width of a linear layer after the dense one, whose direction is compared
        # for the nearest neighbours; no such layer if None.
        embedding: int | None = None,
        # The number of structure types, if the classes of the last layer are these;
        # their probabilities are summed by space group, `group_of_type`.
        n_types: int | None = None,
        *,
        rngs: nnx.Rngs,
    ) -> None:
        self.stem = _conv(2, widths[0], 7, rngs)
        made, inputs, length = [], widths[0], INPUT_R.size
        for width, count in zip(widths, blocks, strict=True):
            length = -(-length // 2)
            for k in range(count):
                made.append(PreActivationBlock(inputs, width, 1 if k else 2, rngs))
                inputs = width
        self.blocks = nnx.List(made)
        self.norm = _norm(inputs, rngs)
        self.drop = nnx.Dropout(dropout)
        self.dense = nnx.Linear(length * inputs, dense, kernel_init=_HE, rngs=rngs)
        width = embedding or dense
        self.embedding = nnx.data(
            nnx.Linear(dense, width, rngs=rngs) if embedding else None
        )
        self.n_groups = n_groups
        self.group_of_type = nnx.data(
            nnx.Variable(jnp.zeros(n_types, jnp.int32)) if n_types else None
        )
        self.last = nnx.Linear(width, n_types or n_groups, rngs=rngs)

    def embed(self, g: Array, rngs: nnx.Rngs | None = None) -> Array:
        """Return the inputs of the last layer, (n, width), for G(r), (n, 209)."""
        x = self.stem(views(g))
        for block in self.blocks:
            x = block(x)
        x = norm_silu(self.norm, x).reshape(x.shape[0], -1)
        x = jax.nn.silu(self.dense(self.drop(x, rngs=rngs)))
        if self.embedding is None:
            return self.drop(x, rngs=rngs)
        x = self.embedding(x)
        return x * jax.lax.rsqrt(jnp.mean(x**2, axis=1, keepdims=True) + 1e-6)

    def head(self, embedding: Array) -> Array:
        """Return log-probabilities, (n, n_groups), for embeddings, (n, width)."""
        return self._sum_by_group(jax.nn.log_softmax(self.last(embedding)))

    def type_outputs(self, g: Array, rngs: nnx.Rngs | None = None) -> Array:
        """Return log-probabilities of structure types, (n, n_types), unnormalised."""
        return self.last(self.embed(g, rngs))

    def _sum_by_group(self, log_p: Array) -> Array:
        """Return log-probabilities of space groups from those of structure types."""
        if self.group_of_type is None:
            return log_p
        membership = jax.nn.one_hot(self.group_of_type[...], self.n_groups)
        p = jnp.matmul(jnp.exp(log_p), membership, precision=jax.lax.Precision.HIGHEST)
        return jnp.log(jnp.maximum(p, TINY))

    def __call__(self, g: Array, rngs: nnx.Rngs | None = None) -> Array:
        return self.head(self.embed(g, rngs))
