import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from gromega.networks.small import Residual, ResidualBlock


def test_a_fresh_block_is_its_shortcut():
    block = ResidualBlock(4, 6, 2, nnx.Rngs(0))
    x = jax.random.normal(jax.random.key(0), (3, 11, 4))
    y = block(x)
    assert y.shape == (3, 6, 6)
    np.testing.assert_allclose(y, jax.nn.relu(block.shortcut(x)), atol=1e-6)


def test_the_scale_and_the_offset_of_a_pdf_do_not_count():
    network = Residual(5, widths=(8, 16), dropout=0.3, rngs=nnx.Rngs(0))
    network.eval()
    g = jax.random.normal(jax.random.key(1), (4, 209))
    np.testing.assert_allclose(network(3 * g + 2), network(g), atol=1e-4)


def test_dropout_draws_from_the_given_stream():
    network = Residual(5, widths=(8, 16), dropout=0.5, rngs=nnx.Rngs(0))
    network.train()
    g = jax.random.normal(jax.random.key(1), (4, 209))
    one, again, other = (network(g, rngs=nnx.Rngs(dropout=k)) for k in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert jnp.abs(one - other).max() > 1e-3
