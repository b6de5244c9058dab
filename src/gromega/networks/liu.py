"""The network of Liu et al., Acta Cryst. A75 (2019) 633, which the paper tested."""

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array
from jax.nn import initializers

from gromega.networks.convolution import convolution, wide_convolution
from gromega.networks.relu_norm import relu_norm
from gromega.pdf.network_grid import INPUT_R, to_unit


class Tower(nnx.Module):
    """One of three towers, from (209, n, 1) to class probabilities, (n, n_groups)."""

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
        x = relu_norm(self.wide_norm, wide_convolution(self.wide, x))
        x = relu_norm(self.narrow_norm, wide_convolution(self.narrow, x))
        # Max pooling by pairs: XLA's gradient of nnx.max_pool is slow on a CPU.
        x = jnp.maximum(x[:-1:2], x[1::2]).swapaxes(0, 1)
        x = self.drop(x, rngs=rngs).reshape(x.shape[0], -1)
        x = self.dense_norm(jax.nn.relu(self.dense(x)))
        return jax.nn.softmax(self.last(self.drop(x, rngs=rngs)))


class Liu(nnx.Module):
    """The mean of the class probabilities of several towers.

    From G(r), (n, 209), to log-probabilities, (n, n_groups).
    """

    def __init__(self, n_groups: int, towers: int, rngs: nnx.Rngs) -> None:
        self.input_norm = nnx.BatchNorm(1, rngs=rngs)
        self.towers = nnx.List([Tower(n_groups, rngs) for _ in range(towers)])

    def __call__(self, g: Array, rngs: nnx.Rngs | None = None) -> Array:
        x = self.input_norm(to_unit(g).T[:, :, None])
        mean = sum(tower(x, rngs) for tower in self.towers) / len(self.towers)
        return jnp.log(mean + 1e-12)
