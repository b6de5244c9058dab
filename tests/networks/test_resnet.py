import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from gromega.networks.build import make_network
from gromega.networks.resnet import PreActivationBlock, views

NETWORK = {
    "name": "resnet", "widths": (16, 24), "blocks": (1, 1), "dense": 20, "dropout": 0.1,
    "embedding": 12,
}  # fmt: skip


def pdfs(n):
    return np.random.default_rng(0).normal(size=(n, 209)).astype(np.float32)


def test_views_do_not_depend_on_the_scale():
    g = pdfs(2)
    for factor in (1e-20, 1e20):
        np.testing.assert_allclose(views(factor * g), views(g), rtol=1e-4, atol=1e-5)


def test_the_second_view_hardly_depends_on_damping():
    g = pdfs(2)
    whole, level = np.moveaxis(np.asarray(views(g)), 2, 0)
    # the end of the PDF is divided by twenty
    damped = g * np.exp(-np.linspace(0, 3, 209))
    damped_whole, damped_level = np.moveaxis(np.asarray(views(damped)), 2, 0)
    assert np.abs(damped_level - level).max() < 0.6
    assert np.abs(damped_level - level).mean() < 0.1
    assert np.abs(damped_whole - whole).mean() > 0.4


def test_views_of_zero_are_finite():
    assert np.isfinite(views(np.zeros((1, 209), np.float32))).all()


def test_a_fresh_block_of_equal_widths_is_the_identity():
    block = PreActivationBlock(8, 8, 1, nnx.Rngs(0))
    x = jax.random.normal(jax.random.key(0), (3, 11, 8))
    np.testing.assert_array_equal(block(x), x)


def test_probabilities_of_types_are_summed_by_space_group():
    network = make_network({**NETWORK, "n_types": 6}, 3, 0)
    network.group_of_type[...] = jnp.array([0, 0, 1, 2, 2, 2])
    network.eval()
    g = pdfs(4)
    p = np.asarray(jax.nn.softmax(network.type_outputs(g)))
    assert p.shape == (4, 6)
    expected = np.stack([p[:, :2].sum(1), p[:, 2], p[:, 3:].sum(1)], axis=1)
    np.testing.assert_allclose(np.exp(network(g)), expected, rtol=1e-4)


def test_the_head_of_the_embeddings_is_the_network():
    network = make_network(NETWORK, 3, 0)
    network.eval()
    g = pdfs(4)
    embeddings = network.embed(g)
    assert embeddings.shape == (4, 12)
    np.testing.assert_allclose(network.head(embeddings), network(g), rtol=1e-5)


def test_embeddings_have_a_root_mean_square_of_one():
    network = make_network(NETWORK, 3, 0)
    network.eval()
    np.testing.assert_allclose((network.embed(pdfs(4)) ** 2).mean(axis=1), 1, rtol=1e-3)
