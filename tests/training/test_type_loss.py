import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gromega.networks.resnet_constants import TINY
from gromega.training.type_loss import type_loss

GROUPS = jnp.array([0, 0, 1, 2, 2, 2])


def by_library(outputs, group_of_type, groups, types, of_group, of_type):
    log_p, rows = jax.nn.log_softmax(outputs), jnp.arange(len(groups))
    sums = jnp.exp(log_p) @ jax.nn.one_hot(group_of_type, 3)
    log_group = jnp.log(jnp.maximum(sums, TINY))
    return -(of_group @ log_group[rows, groups] + of_type @ log_p[rows, types])


@pytest.mark.parametrize("spread", [1.0, 60.0])
def test_loss_and_gradient_are_those_of_the_formula(spread):
    keys = jax.random.split(jax.random.key(0), 4)
    n = 40
    outputs = spread * jax.random.normal(keys[0], (n, 6))
    types = jax.random.randint(keys[1], (n,), 0, 6)
    weights = jax.random.uniform(keys[2], (2, n))
    given = outputs, GROUPS, GROUPS[types], types, *weights
    ours, theirs = (
        jax.value_and_grad(each)(*given) for each in (type_loss, by_library)
    )
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-5)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-3, atol=1e-5)


def test_a_group_without_any_probability_has_a_finite_loss_and_no_pull():
    outputs = jnp.array([[0.0, 0.0, -500.0, 1.0, 2.0, 3.0]])
    given = GROUPS, jnp.array([1]), jnp.array([2]), jnp.ones(1), jnp.zeros(1)
    loss, gradient = jax.value_and_grad(type_loss)(outputs, *given)
    assert loss == pytest.approx(-np.log(TINY), rel=1e-5)
    np.testing.assert_array_equal(gradient, 0.0)
