import numpy as np
import pytest

from gromega.crystals.crystal import Crystal
from gromega.pdf.form_factors import average_falloff, form_factors, weights_at
from gromega.pdf.scattering import site_weights


@pytest.fixture
def salt(classics):
    return next(crystal for crystal in classics if crystal.id == "rock salt")


def test_form_factors_are_those_of_waasmaier_and_kirfel():
    # International Tables C, Table 6.1.1.1: iron and oxygen at sin θ/λ = 0.5 Å⁻¹
    q = np.array([0.0, 2 * np.pi])
    iron, oxygen = form_factors(np.array([26, 8]), q)
    assert iron[0] == oxygen[0] == 1.0
    assert iron[1] * 26 == pytest.approx(11.47, rel=0.01)
    assert oxygen[1] * 8 == pytest.approx(2.338, rel=0.01)


def test_the_falloff_of_an_average_element_lies_between_those_of_elements():
    q, mean = average_falloff()
    oxygen, lead = form_factors(np.array([8, 82]), q)
    assert mean[0] == 1.0 and (np.diff(mean) < 0).all()
    inside = (q > 10) & (q < 30)
    assert (oxygen < mean)[inside].all() and (mean < lead)[inside].all()


def test_weights_at_q_keep_their_sum_and_have_the_ratio_of_the_factors(salt):
    zero, at_q = site_weights(salt, "xray"), weights_at(salt, 6.0)
    np.testing.assert_allclose(weights_at(salt, 0.0), zero)
    assert at_q.sum() == pytest.approx(zero.sum())
    kinds = salt.numbers
    sodium, chlorine = form_factors(np.array([11, 17]), np.array([6.0]))[:, 0]
    ratio = at_q[kinds == 11][0] / at_q[kinds == 17][0]
    before = zero[kinds == 11][0] / zero[kinds == 17][0]
    assert ratio / before == pytest.approx(sodium / chlorine)


def test_an_alloy_on_one_site_has_the_mean_of_its_elements():
    alloy = Crystal("x", 3.9 * np.eye(3), [29, 79], [[0, 0, 0]] * 2, [0.75, 0.25])
    factors = form_factors(np.array([29, 79]), np.array([5.0]))[:, 0]
    f = alloy.occupancy * factors * [28.99, 78.96]
    np.testing.assert_allclose(weights_at(alloy, 5.0), f / f.sum(), rtol=1e-3)
