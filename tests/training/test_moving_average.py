import jax.numpy as jnp
import numpy as np

from gromega.training.moving_average import add_to_average, new_average


def average_of(steps):
    average = new_average({"weight": jnp.zeros(2), "count": jnp.asarray(0)})
    for step in steps:
        values = {"weight": jnp.array([step, -step]), "count": jnp.asarray(7)}
        average = add_to_average(average, values)
    return average[1]


def test_each_step_counts_with_its_ninth_power():
    steps = np.random.default_rng(0).normal(size=200).astype(np.float32)
    weights = np.arange(1, 201.0) ** 9
    expected = weights @ steps / weights.sum()
    found = average_of(steps)["weight"]
    np.testing.assert_allclose(found, [expected, -expected], atol=0.01)


def test_the_values_before_the_first_step_count_for_nothing():
    np.testing.assert_allclose(average_of([5.0])["weight"], [5.0, -5.0])


def test_whole_numbers_are_the_latest_ones():
    found = average_of([1.0, 2.0])["count"]
    assert found == 7 and found.dtype == jnp.int32
