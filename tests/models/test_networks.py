import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from gromega.models.networks import to_unit
from gromega.models.recipes import RECIPES, get_recipe, make_network


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
        ValueError, match="no recipe 'papr'; the recipes are small, pap"
    ):
        get_recipe("papr")
    with pytest.raises(ValueError, match="no network 'vgg'; there are liu, residual"):
        make_network({"name": "vgg"}, 45, 0)
