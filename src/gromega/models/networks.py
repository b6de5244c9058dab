"""The networks: from 209 points of G(r), up to a factor, to space groups."""

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array
from jax.nn import initializers

from gromega.models.convolution import wide_convolution
from gromega.pdf.network_input import INPUT_R, to_unit

HE_UNIFORM = initializers.he_uniform()


def convolution(
    inputs: int,
    outputs: int,
    taps: int,
    rngs: nnx.Rngs,
    strides: int = 1,
    init: initializers.Initializer = HE_UNIFORM,
) -> nnx.Conv:
    """Return a convolution along r that keeps its length, but for the strides."""
    return nnx.Conv(
        inputs,
        outputs,
        kernel_size=(taps,),
        strides=(strides,),
        padding="SAME",
        kernel_init=init,
        rngs=rngs,
    )


def _norm(channels: int, rngs: nnx.Rngs) -> nnx.BatchNorm:
    # The default momentum, 0.99, lags behind in a short training.
    return nnx.BatchNorm(channels, momentum=0.9, rngs=rngs)


class Tower(nnx.Module):
    """One of the three towers of Liu et al., Acta Cryst. A75 (2019) 633.

    From (n, 209, 1) to class probabilities (n, n_groups).
    """

    def __init__(self, n_groups: int, rngs: nnx.Rngs) -> None:
        he, glorot = initializers.he_uniform(), initializers.glorot_uniform()
        self.wide = convolution(1, 256, 32, rngs)
        self.wide_norm = nnx.BatchNorm(256, rngs=rngs)
        self.narrow = convolution(256, 64, 32, rngs)
        self.narrow_norm = nnx.BatchNorm(64, rngs=rngs)
        pooled = INPUT_R.size // 2
        self.dense = nnx.Linear(pooled * 64, 128, kernel_init=he, rngs=rngs)
        self.dense_norm = nnx.BatchNorm(128, rngs=rngs)
        self.drop = nnx.Dropout(0.5)
        self.last = nnx.Linear(128, n_groups, kernel_init=glorot, rngs=rngs)

    def __call__(self, x: Array, rngs: nnx.Rngs | None = None) -> Array:
        x = self.wide_norm(jax.nn.relu(wide_convolution(self.wide, x)))
        x = self.narrow_norm(jax.nn.relu(wide_convolution(self.narrow, x)))
        # Of pairs, since XLA is slow at the gradient of nnx.max_pool on a CPU.
        x = jnp.maximum(x[:, :-1:2], x[:, 1::2])
        x = self.drop(x, rngs=rngs).reshape(x.shape[0], -1)
        x = self.dense_norm(jax.nn.relu(self.dense(x)))
        return jax.nn.softmax(self.last(self.drop(x, rngs=rngs)))


class Liu(nnx.Module):
    """The network of Liu et al. (2019): the mean of the softmax of its towers.

    From G(r), (n, 209), to log-probabilities, (n, n_groups).
    """

    def __init__(self, n_groups: int, towers: int, rngs: nnx.Rngs) -> None:
        self.input_norm = nnx.BatchNorm(1, rngs=rngs)
        self.towers = nnx.List([Tower(n_groups, rngs) for _ in range(towers)])

    def __call__(self, g: Array, rngs: nnx.Rngs | None = None) -> Array:
        x = self.input_norm(to_unit(g)[:, :, None])
        mean = sum(tower(x, rngs) for tower in self.towers) / len(self.towers)
        return jnp.log(mean + 1e-12)


class Block(nnx.Module):
    """Two 5-tap convolutions, each with its norm, beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, strides: int, rngs: nnx.Rngs) -> None:
        self.first = convolution(inputs, outputs, 5, rngs, strides)
        self.first_norm = _norm(outputs, rngs)
        self.second = convolution(outputs, outputs, 5, rngs)
        # A block starts as its shortcut: its own part begins at zero.
        zeros = initializers.zeros
        self.second_norm = nnx.BatchNorm(
            outputs, momentum=0.9, scale_init=zeros, rngs=rngs
        )
        self.shortcut = convolution(inputs, outputs, 1, rngs, strides)

    def __call__(self, x: Array) -> Array:
        y = jax.nn.relu(self.first_norm(self.first(x)))
        y = self.second_norm(self.second(y))
        return jax.nn.relu(y + self.shortcut(x))


class Residual(nnx.Module):
    """A small residual network, cheap enough to train on two cores.

    Blocks of stride 2 halve the r axis, and its mean goes to the classes. From
    G(r), (n, 209), to log-probabilities, (n, n_groups).
    """

    def __init__(
        self,
        n_groups: int,
        widths: tuple[int, ...],
        dropout: float,
        rngs: nnx.Rngs,
    ) -> None:
        self.stem = convolution(1, widths[0], 5, rngs)
        self.stem_norm = _norm(widths[0], rngs)
        inputs = (widths[0], *widths[:-1])
        self.blocks = nnx.List(
            [Block(i, o, 2, rngs) for i, o in zip(inputs, widths, strict=True)]
        )
        self.drop = nnx.Dropout(dropout)
        self.last = nnx.Linear(widths[-1], n_groups, rngs=rngs)

    def __call__(self, g: Array, rngs: nnx.Rngs | None = None) -> Array:
        x = jax.nn.relu(self.stem_norm(self.stem(to_unit(g)[:, :, None])))
        for block in self.blocks:
            x = block(x)
        return jax.nn.log_softmax(self.last(self.drop(x.mean(axis=1), rngs=rngs)))
