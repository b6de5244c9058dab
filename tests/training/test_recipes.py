import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from gromega.defects import NO_DEFECTS
from gromega.networks.build import make_network
from gromega.params import Train
from gromega.training.recipes import get_recipe, recipe_of


def test_the_recipe_paper_is_that_of_the_paper():
    recipe = get_recipe("paper")
    assert (recipe.batch, recipe.l2, recipe.balanced) == (64, 1e-5, True)
    rate = recipe.schedule(epochs=160, steps=10)
    assert rate(0) == pytest.approx(5e-4)
    assert rate(9) == pytest.approx(5e-4)
    assert rate(1595) == pytest.approx(5e-4 * np.exp(-0.025 * 159), rel=1e-5)


def test_without_a_decay_the_rate_rises_for_one_epoch_and_falls_to_zero():
    recipe = get_recipe("small")
    rate = recipe.schedule(epochs=5, steps=10)
    assert rate(0) == pytest.approx(recipe.learning_rate / 20)
    assert rate(10) == pytest.approx(recipe.learning_rate)
    assert rate(50) == pytest.approx(0.0, abs=1e-9)


def test_a_constant_rate_rises_for_one_epoch_and_stays():
    recipe = recipe_of(Train(recipe="small", rate=0.5, schedule="constant"))
    rate = recipe.schedule(epochs=5, steps=10)
    highest = 0.5 * get_recipe("small").learning_rate
    assert rate(0) == pytest.approx(highest / 20)
    assert rate(10) == rate(1000) == pytest.approx(highest)


def test_the_schedule_of_the_paper_does_not_change():
    with pytest.raises(ValueError, match="paper"):
        recipe_of(Train(recipe="paper", schedule="constant"))
    assert recipe_of(Train(recipe="paper")) == get_recipe("paper")


def test_an_unknown_recipe_is_an_error_that_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"'papr'.*small, robust"):
        get_recipe("papr")


def first_step(recipe, gradient):
    """Return parameters, their first updates by a constant gradient, and the rate."""
    params = nnx.state(make_network(recipe.network, 45, 0), nnx.Param)
    optimizer = recipe.optimizer(epochs=2, steps=10)
    constant = jax.tree.map(lambda leaf: jnp.full_like(leaf, gradient), params)
    updates, _ = optimizer.update(constant, optimizer.init(params), params)
    return params, updates, float(recipe.schedule(2, 10)(0))


def test_muon_trains_the_kernels_between_the_first_and_the_last_layer():
    _, updates, rate = first_step(get_recipe("robust"), 1.0)
    # the first step of Adam is the sign of the gradient; that of Muon is orthogonal,
    # and of a constant gradient it has a single direction
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


def test_only_the_recipe_robust_trains_with_defects():
    assert get_recipe("robust").defects.second_phase == 0.4
    assert get_recipe("robust").variants.q == 12.0
    for name in ("small", "paper", "paper-one-tower", "robust-at-reference"):
        recipe = get_recipe(name)
        assert recipe.defects == NO_DEFECTS
        assert recipe.variants is None or recipe.variants.q == 0
