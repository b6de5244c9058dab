import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from gromega.networks.norm_silu import norm_silu


def test_values_and_gradients_are_those_of_the_library():
    norm = nnx.GroupNorm(16, num_groups=8, rngs=nnx.Rngs(0))
    keys = jax.random.split(jax.random.key(1), 4)
    norm.scale[...] = jax.random.normal(keys[0], (16,))
    norm.bias[...] = jax.random.normal(keys[1], (16,))
    x = 3.0 + 2.0 * jax.random.normal(keys[2], (5, 11, 16))
    probe = jax.random.normal(keys[3], x.shape)
    graph, state = nnx.split(norm)

    def score(state, x, act):
        return jnp.sum(probe * act(nnx.merge(graph, state), x))

    def by_library(norm, x):
        return jax.nn.silu(norm(x))

    np.testing.assert_allclose(norm_silu(norm, x), by_library(norm, x), atol=1e-5)
    gradient = jax.grad(score, argnums=(0, 1))
    ours, theirs = gradient(state, x, norm_silu), gradient(state, x, by_library)
    for mine, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-3, atol=1e-4)


def test_constant_inputs_have_finite_gradients():
    norm = nnx.GroupNorm(8, num_groups=8, rngs=nnx.Rngs(0))
    gradient = jax.grad(lambda x: norm_silu(norm, x).sum())(jnp.full((2, 3, 8), 7.0))
    assert np.isfinite(gradient).all()
