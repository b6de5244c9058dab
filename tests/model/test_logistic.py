import numpy as np
import pytest
from scipy.special import expit

from gromega.model.logistic import fit_logistic, fit_mixture

TRUE = np.array([-1.0, 2.0, -0.5])


def log_odds(b, x):
    return b[0] + x @ b[1:]


@pytest.fixture
def drawn(generator):
    """Features, and the classes that the true log-odds draw."""
    x = generator.normal([0.5, -2.0], [1.0, 3.0], size=(40_000, 2))
    return x, generator.random(len(x)) < expit(log_odds(TRUE, x))


def test_the_true_coefficients_are_found(drawn):
    np.testing.assert_allclose(fit_logistic(*drawn, 1e-6), TRUE, atol=0.06)


def test_the_log_odds_do_not_depend_on_the_units(drawn):
    x, is_one = drawn
    size, origin = np.array([100.0, 0.01]), np.array([-7.0, 3.0])
    moved = fit_logistic(size * x + origin, is_one, 1e-3)
    expected = log_odds(fit_logistic(x, is_one, 1e-3), x)
    np.testing.assert_allclose(log_odds(moved, size * x + origin), expected, atol=1e-3)


def test_the_penalty_acts_on_the_slopes_alone(drawn):
    x, is_one = drawn
    constant, *slopes = fit_logistic(x, is_one, 1e6)
    np.testing.assert_allclose(slopes, 0, atol=1e-5)
    assert expit(constant) == pytest.approx(is_one.mean(), abs=1e-3)


def test_a_penalty_has_the_slope_of_the_minimum(generator):
    # If the sign of a feature of ±1 is right for three rows of four, the derivative is
    # zero where 1 / (1 + exp(b)) = 1/4 + 2 ridge b.
    x = np.array([-1.0, -1.0, -1.0, -1.0, 1.0, 1.0, 1.0, 1.0])[:, None]
    is_one = np.array([0, 0, 0, 1, 1, 1, 1, 0], bool)
    constant, slope = fit_logistic(x, is_one, 0.05)
    assert constant == pytest.approx(0, abs=1e-4)
    assert expit(-slope) == pytest.approx(2 * 0.05 * slope + 0.25, abs=1e-4)


def test_weighted_probabilities_add_up_to_the_weighted_class(drawn, generator):
    x, is_one = drawn
    weights = np.where(is_one, 3.0, 1.0) * generator.random(len(x))
    weights /= weights.sum()
    share = weights @ is_one
    assert share > is_one.mean() + 0.1
    p = expit(log_odds(fit_logistic(x, is_one, 1e-4, weights), x))
    assert weights @ p == pytest.approx(share, abs=1e-3)


def test_features_that_separate_the_classes_have_finite_slopes():
    x = np.linspace(-1, 1, 100)[:, None]
    found = fit_logistic(x, x[:, 0] > 0, 1e-4)
    assert np.isfinite(found).all() and 5 < found[1] < 100
    # log-odds of thousands do not overflow
    assert np.isfinite(fit_logistic(x, x[:, 0] > 0, 1e-12)).all()


def test_a_constant_feature_has_no_slope(drawn):
    x, is_one = drawn
    # The mean of many 0.1 is not 0.1 exactly.
    with_constant = np.column_stack([x, np.full(len(x), 0.1)])
    found = fit_logistic(with_constant, is_one, 1e-4)
    assert with_constant[:, 2].std() > 0
    assert found[3] == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(found[:3], fit_logistic(x, is_one, 1e-4), atol=1e-3)


def test_the_true_share_of_a_mixture_is_found(drawn, generator):
    """Each of two models gives the truth a high probability where it applies."""
    x, is_one = drawn
    right, wrong = np.log(0.9), np.log(0.1)
    hit = generator.random(len(x)) < 0.9
    one = np.where(is_one == hit, right, wrong)
    zero = np.where(is_one == hit, wrong, right)
    np.testing.assert_allclose(fit_mixture(x, zero, one, 1e-6), TRUE, atol=0.1)
