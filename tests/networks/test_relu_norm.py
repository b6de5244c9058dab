import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from gromega.networks.relu_norm import relu_norm


def by_library(norm, x):
    return norm(jax.nn.relu(x))


def a_norm_and_inputs():
    norm = nnx.BatchNorm(6, rngs=nnx.Rngs(0))
    keys = jax.random.split(jax.random.key(1), 4)
    norm.scale[...] = jax.random.normal(keys[0], (6,))
    norm.bias[...] = jax.random.normal(keys[1], (6,))
    norm.mean[...] = jax.random.normal(keys[2], (6,))
    return norm, 0.3 + 2.0 * jax.random.normal(keys[3], (11, 5, 6))


def gradients(norm, x, act):
    """Return the gradients of parameters and x; the values and the new averages."""
    probe = jax.random.normal(jax.random.key(2), x.shape)
    graph, params, rest = nnx.split(norm, nnx.Param, ...)

    @jax.jit
    def score(params, x):
        norm = nnx.merge(graph, params, rest, copy=True)
        y = act(norm, x)
        return jnp.sum(probe * y), (y, nnx.state(norm, nnx.Not(nnx.Param)))

    return jax.tree.leaves(jax.grad(score, argnums=(0, 1), has_aux=True)(params, x))


def test_values_gradients_and_averages_are_those_of_the_library():
    ours = gradients(*a_norm_and_inputs(), relu_norm)
    theirs = gradients(*a_norm_and_inputs(), by_library)
    assert len(ours) == len(theirs) == 6
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-5)


def test_after_training_the_averages_are_used():
    norm, x = a_norm_and_inputs()
    norm.eval()
    np.testing.assert_array_equal(relu_norm(norm, x), by_library(norm, x))
    np.testing.assert_array_equal(relu_norm(norm, x[:1]), relu_norm(norm, x)[:1])


def test_constant_inputs_have_finite_gradients():
    norm = nnx.BatchNorm(3, rngs=nnx.Rngs(0))
    for leaf in gradients(norm, jnp.full((4, 2, 3), 7.0), relu_norm):
        assert np.isfinite(leaf).all()
