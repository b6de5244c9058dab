import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from gromega.networks.build import make_network
from gromega.pdf.network_grid import to_unit


def test_the_layers_are_those_of_the_paper():
    network = make_network({"name": "liu", "towers": 3}, 45, 0)
    # per tower: two convolutions of 32 taps, dense 128 on 104 × 64, dense 45, and a
    # scale and an offset for each of 256, 64 and 128 channels; one pair for the input
    tower = (
        (32 * 256 + 256)
        + (32 * 256 * 64 + 64)
        + (104 * 64 * 128 + 128)
        + (128 * 45 + 45)
        + 2 * (256 + 64 + 128)
    )
    leaves = jax.tree.leaves(nnx.state(network, nnx.Param))
    assert sum(leaf.size for leaf in leaves) == 3 * tower + 2


def test_the_probabilities_are_the_mean_of_those_of_the_towers():
    network = make_network({"name": "liu", "towers": 3}, 7, 0)
    network.eval()
    x = jax.random.uniform(jax.random.key(0), (4, 209))
    inner = network.input_norm(to_unit(x).T[:, :, None])
    mean = sum(tower(inner) for tower in network.towers) / 3
    np.testing.assert_allclose(jnp.exp(network(x)), mean, rtol=1e-4, atol=1e-6)


def test_pdfs_are_scaled_to_0_to_1():
    g = np.random.default_rng(0).normal(size=(3, 209)).astype(np.float32)
    scaled = np.asarray(to_unit(g))
    np.testing.assert_array_equal(scaled.min(axis=1), 0)
    np.testing.assert_array_equal(scaled.max(axis=1), 1)
    # a constant PDF: zeros, not nan
    assert (np.asarray(to_unit(np.full((1, 209), 3.0, np.float32))) == 0).all()
