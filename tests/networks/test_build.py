import jax.numpy as jnp
import numpy as np
import pytest

from gromega.networks.build import NETWORKS, make_network
from gromega.training.recipes import RECIPES, get_recipe


@pytest.mark.parametrize("name", list(RECIPES))
def test_the_network_of_each_recipe_gives_log_probabilities(name):
    network = make_network(get_recipe(name).network, 45, 0)
    network.eval()
    log_p = network(jnp.linspace(0, 1, 2 * 209).reshape(2, 209))
    assert log_p.shape == (2, 45)
    np.testing.assert_allclose(jnp.exp(log_p).sum(axis=1), 1, rtol=1e-4)


def test_each_network_has_a_recipe():
    assert {recipe.network["name"] for recipe in RECIPES.values()} == set(NETWORKS)


def test_the_seed_decides_the_weights():
    arguments = get_recipe("small").network
    first, again, other = (make_network(arguments, 45, seed) for seed in (0, 0, 1))
    kernel = first.last.kernel[...]
    np.testing.assert_array_equal(kernel, again.last.kernel[...])
    assert (kernel != other.last.kernel[...]).any()


def test_an_unknown_network_is_an_error_that_lists_the_known_ones():
    with pytest.raises(ValueError, match="vgg"):
        make_network({"name": "vgg"}, 45, 0)
