"""A small residual network: two CPU cores train it in minutes."""

from functools import partial

import jax
from flax import nnx
from jax import Array
from jax.nn import initializers

from gromega.networks.convolution import convolution
from gromega.pdf.network_grid import to_unit

# With Flax's default momentum of 0.99, the running averages of a short training would
# lag behind.
_batch_norm = partial(nnx.BatchNorm, momentum=0.9)


class ResidualBlock(nnx.Module):
    """Two 5-tap convolutions with BatchNorm, and a shortcut with one tap."""

    def __init__(self, inputs: int, outputs: int, strides: int, rngs: nnx.Rngs) -> None:
        self.first = convolution(inputs, outputs, 5, rngs, strides)
        self.first_norm = _batch_norm(outputs, rngs=rngs)
        self.second = convolution(outputs, outputs, 5, rngs)
        # A fresh block is its shortcut alone.
        self.second_norm = _batch_norm(
            outputs, scale_init=initializers.zeros, rngs=rngs
        )
        self.shortcut = convolution(inputs, outputs, 1, rngs, strides)

    def __call__(self, x: Array) -> Array:
        y = jax.nn.relu(self.first_norm(self.first(x)))
        y = self.second_norm(self.second(y))
        return jax.nn.relu(y + self.shortcut(x))


class Residual(nnx.Module):
    """Residual blocks of stride 2, the mean over r, and one linear layer.

    From G(r), (n, 209), to log-probabilities, (n, n_groups).
    """

    def __init__(
        self, n_groups: int, widths: tuple[int, ...], dropout: float, rngs: nnx.Rngs
    ) -> None:
        self.stem = convolution(1, widths[0], 5, rngs)
        self.stem_norm = _batch_norm(widths[0], rngs=rngs)
        inputs = (widths[0], *widths[:-1])
        self.blocks = nnx.List(
            [ResidualBlock(i, o, 2, rngs) for i, o in zip(inputs, widths, strict=True)]
        )
        self.drop = nnx.Dropout(dropout)
        self.last = nnx.Linear(widths[-1], n_groups, rngs=rngs)

    def __call__(self, g: Array, rngs: nnx.Rngs | None = None) -> Array:
        x = jax.nn.relu(self.stem_norm(self.stem(to_unit(g)[:, :, None])))
        for block in self.blocks:
            x = block(x)
        return jax.nn.log_softmax(self.last(self.drop(x.mean(axis=1), rngs=rngs)))
