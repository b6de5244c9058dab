import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from gromega.networks.build import make_network
from gromega.networks.resnet import views
from gromega.pdf.network_grid import to_unit
from gromega.training.recipes import RECIPES, get_recipe


def parameters(network):
    return sum(leaf.size for leaf in jax.tree.leaves(nnx.state(network, nnx.Param)))


@pytest.mark.parametrize("name", list(RECIPES))
def test_networks_give_log_probabilities(name):
    network = make_network(get_recipe(name).network, 45, 0)
    network.eval()
    log_p = network(jnp.linspace(0, 1, 2 * 209).reshape(2, 209))
    assert log_p.shape == (2, 45)
    np.testing.assert_allclose(jnp.exp(log_p).sum(axis=1), 1, rtol=1e-4)


def test_liu_has_the_layers_of_the_paper():
    network = make_network({"name": "liu", "towers": 3}, 45, 0)
    # per tower: two convolutions of 32 taps, dense 128 on 104 × 64, dense 45, and a
    # scale and an offset for each of 256, 64 and 128 channels; one for the input
    tower = (
        (32 * 256 + 256)
        + (32 * 256 * 64 + 64)
        + (104 * 64 * 128 + 128)
        + (128 * 45 + 45)
        + 2 * (256 + 64 + 128)
    )
    assert parameters(network) == 3 * tower + 2


def test_liu_averages_the_softmax_of_its_towers():
    network = make_network({"name": "liu", "towers": 3}, 7, 0)
    network.eval()
    x = jax.random.uniform(jax.random.key(0), (4, 209))
    inner = network.input_norm(to_unit(x)[:, :, None])
    mean = sum(tower(inner) for tower in network.towers) / 3
    np.testing.assert_allclose(jnp.exp(network(x)), mean, rtol=1e-4, atol=1e-6)


def test_recipe_of_the_paper_is_the_paper_s():
    recipe = get_recipe("paper")
    assert (recipe.batch, recipe.l2, recipe.balanced) == (64, 1e-5, True)
    rate = recipe.schedule(epochs=160, steps=10)
    assert rate(0) == pytest.approx(5e-4)
    assert rate(9) == pytest.approx(5e-4)
    assert rate(1595) == pytest.approx(5e-4 * np.exp(-0.025 * 159), rel=1e-5)


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(
        ValueError, match="no recipe 'papr'; the recipes are small, rob"
    ):
        get_recipe("papr")
    with pytest.raises(ValueError, match="no network 'vgg'; there are liu, residual"):
        make_network({"name": "vgg"}, 45, 0)


def test_liu_sees_pdfs_from_0_to_1():
    g = np.random.default_rng(0).normal(size=(3, 209)).astype(np.float32)
    scaled = np.asarray(to_unit(g))
    np.testing.assert_array_equal(scaled.min(axis=1), 0)
    np.testing.assert_array_equal(scaled.max(axis=1), 1)
    # a PDF that is the same everywhere: zeros, not nan
    assert (np.asarray(to_unit(np.full((1, 209), 3.0, np.float32))) == 0).all()


def test_the_robust_network_sees_neither_scale_nor_damping():
    g = np.random.default_rng(0).normal(size=(2, 209)).astype(np.float32)
    whole, levelled = np.moveaxis(np.asarray(views(g)), 2, 0)
    for factor in (1e-20, 1e20):
        np.testing.assert_allclose(views(factor * g), views(g), rtol=1e-4, atol=1e-5)
    damped = g * np.exp(-np.linspace(0, 3, 209))
    again = np.asarray(views(damped))[..., 1]
    # damping divides the end of the PDF by twenty, and moves this view little
    assert np.abs(again - levelled).max() < 0.6
    assert np.abs(again - levelled).mean() < 0.1
    assert np.abs(np.asarray(views(damped))[..., 0] - whole).mean() > 0.4
    assert np.isfinite(views(np.zeros((1, 209), np.float32))).all()


def first_step(recipe, gradient):
    """Return weights, their first updates by a gradient alike everywhere, the rate."""
    params = nnx.state(make_network(recipe.network, 45, 0), nnx.Param)
    optimizer = recipe.optimizer(epochs=2, steps=10)
    alike = jax.tree.map(lambda leaf: jnp.full_like(leaf, gradient), params)
    updates, _ = optimizer.update(alike, optimizer.init(params), params)
    return params, updates, float(recipe.schedule(2, 10)(0))


def test_muon_takes_the_kernels_between_the_first_and_the_last_layer():
    _, updates, rate = first_step(get_recipe("robust"), 1.0)
    # the first step of Adam is about the sign of the gradient, that of Muon a matrix of
    # orthogonal rows: of ones it has a single direction
    last = np.asarray(updates["last"]["kernel"][...])
    first = np.asarray(updates["stem"]["kernel"][...])
    assert np.abs(last).mean() == pytest.approx(0.15 * rate, rel=0.6)
    assert np.abs(first).mean() == pytest.approx(0.15 * rate, rel=0.6)
    dense = np.asarray(updates["dense"]["kernel"][...])
    assert np.linalg.norm(dense, 2) < 2.5 * rate


def test_all_weights_decay_under_muon():
    recipe = get_recipe("robust")
    params, updates, rate = first_step(recipe, 0.0)
    for name, share in (("last", 0.15), ("stem", 0.15), ("dense", 1.0)):
        decayed = -share * rate * recipe.weight_decay * params[name]["kernel"][...]
        np.testing.assert_allclose(
            updates[name]["kernel"][...], decayed, rtol=1e-4, atol=1e-12
        )


def test_types_are_summed_by_space_group():
    arguments = {**get_recipe("robust").network, "n_types": 6}
    network = make_network(arguments, 3, 0)
    network.group_of_type[...] = jnp.array([0, 0, 1, 2, 2, 2])
    network.eval()
    g = np.random.default_rng(0).normal(size=(4, 209)).astype(np.float32)
    p = np.exp(network.classes(g))
    assert p.shape == (4, 6)
    expected = np.stack([p[:, :2].sum(1), p[:, 2], p[:, 3:].sum(1)], axis=1)
    np.testing.assert_allclose(np.exp(network(g)), expected, rtol=1e-4)
    np.testing.assert_allclose(network.head(network.embed(g)), network(g), rtol=1e-5)
