from dataclasses import replace

import numpy as np
import pytest
from forecasts import forecasts

from gromega.model.calibration import mass_before
from gromega.model.familiarity import UNSURE, features
from gromega.model.fit_familiarity import FEWEST, LESS, fit_familiarity
from gromega.model.neighbours import NeighbourResult

N = 6000


@pytest.fixture(scope="module")
def made():
    """A result that is too unsure of known types, and too sure of new ones."""
    generator = np.random.default_rng(1)
    log_p, y = forecasts(generator, N)
    is_new = generator.random(N) < 0.25
    distorted = np.where(is_new[:, None], 2.0, 0.7) * log_p
    familiarity = generator.normal(np.where(is_new, 0.0, 2.0))
    result = replace(
        NeighbourResult.without_neighbours(distorted.astype(np.float32)),
        # The neighbours know nothing.
        log_shares=generator.normal(size=log_p.shape).astype(np.float32),
        familiarity=familiarity.astype(np.float32),
    )
    return result, distorted, y, is_new


def test_each_case_gets_its_own_temperature(made):
    fit = fit_familiarity(*made)
    assert fit.new.temperature == pytest.approx(2.0, rel=0.1)
    assert fit.known.temperature == pytest.approx(0.7, rel=0.1)
    assert fit.known.weight < 0.1 and fit.new.weight < 0.1
    assert (fit.n, fit.share) == (made[3].sum(), round(made[3].mean(), 6))


def test_the_probability_of_new_types_is_calibrated(made):
    result, log_p, _, is_new = made
    fit = fit_familiarity(*made)
    p = fit.p_new(features(result, log_p))
    assert p.mean() == pytest.approx(is_new.mean(), abs=0.005)
    for low, high in ((0, 0.2), (0.2, 0.5), (0.5, 1)):
        rows = (low <= p) & (p < high)
        assert p[rows].mean() == pytest.approx(is_new[rows].mean(), abs=0.08)
    assert p[is_new].mean() - p[~is_new].mean() > 0.4


@pytest.mark.parametrize("coverage", [0.90, 0.95])
def test_sets_cover_both_cases(made, coverage):
    result, log_p, y, is_new = made
    fit = fit_familiarity(*made)
    cases = fit.cases(result, features(result, log_p))

    def covered(case, rows):
        threshold = fit.thresholds(case)[f"{coverage:.2f}"]
        return (mass_before(cases[case])[np.arange(N), y] <= threshold)[rows].mean()

    assert covered("known", ~is_new) >= coverage
    assert covered("new", is_new) >= coverage
    assert covered(UNSURE, slice(None)) >= coverage
    assert covered(UNSURE, is_new) >= coverage - LESS


def test_the_number_of_equal_ratios_is_used(made):
    result, log_p, y, is_new = made
    blind = replace(result, familiarity=0 * result.familiarity)
    counts = np.where(is_new, 0, 50)
    fit = fit_familiarity(blind, log_p, y, is_new, counts)
    p = fit.p_new(features(blind, log_p, counts))
    assert p[is_new].min() > 0.9 and p[~is_new].max() < 0.1


def test_the_share_of_new_types_makes_the_truth_most_probable(made):
    """Some new types are predicted as well as known ones, and look like these."""
    result, log_p, y, is_new = made
    named_new = is_new | (np.random.default_rng(2).random(N) < 0.2)
    fit = fit_familiarity(result, log_p, y, named_new)
    x = features(result, log_p)

    def loss(fit):
        return -fit.cases(result, x)[UNSURE][np.arange(N), y].mean()

    assert loss(fit) < loss(replace(fit, share_log_odds=None)) - 0.003
    shares = fit.share_log_odds
    for constant in (shares[0] - 0.2, shares[0] + 0.2):
        moved = replace(fit, share_log_odds=(constant, *shares[1:]))
        assert loss(fit) < loss(moved)


@pytest.mark.parametrize("n_new", [FEWEST - 1, N - FEWEST + 1])
def test_too_few_of_a_case_are_not_fitted_to(made, n_new):
    result, log_p, y, _ = made
    assert fit_familiarity(result, log_p, y, np.arange(N) < n_new) is None
