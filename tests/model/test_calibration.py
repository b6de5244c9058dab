import json
import math

import numpy as np
import pytest
from forecasts import forecasts
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax

from gromega.model.calibration import (
    Calibration,
    expected_calibration_error,
    fit_calibration,
    mass_before,
)
from gromega.model.other_groups import OtherGroupFit


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_a_known_temperature_is_found(generator, temperature):
    log_p, y = forecasts(generator, 20_000)
    found = fit_calibration(temperature * log_p, y).temperature
    assert found == pytest.approx(temperature, rel=0.03)


def test_calibrated_probabilities_are_those_that_were_true(generator):
    log_p, y = forecasts(generator, 20_000)
    too_sure = log_softmax(3.0 * log_p, axis=1)
    calibrated = fit_calibration(too_sure, y).apply(too_sure)
    np.testing.assert_allclose(np.exp(calibrated), np.exp(log_p), atol=0.02)
    assert expected_calibration_error(too_sure, y) > 0.2
    assert expected_calibration_error(calibrated, y) < 0.02


def test_calibration_changes_no_ranking(generator):
    log_p, y = forecasts(generator, 500)
    calibrated = fit_calibration(3.0 * log_p, y).apply(log_p)
    np.testing.assert_array_equal(
        np.argsort(-calibrated, axis=1), np.argsort(-log_p, axis=1)
    )
    np.testing.assert_allclose(np.exp(calibrated).sum(axis=1), 1.0)


@pytest.mark.parametrize("sharpness", [1.0, 5.0])
@pytest.mark.parametrize("coverage", [0.90, 0.95])
def test_sets_cover_as_often_as_they_say(generator, sharpness, coverage):
    log_p, y = forecasts(generator, 12_000, sharpness)
    # The network distorts its probabilities in a way that no temperature mends.
    log_p = log_softmax(log_p * generator.uniform(0.5, 3.0, (y.size, 1)), axis=1)
    calibration = fit_calibration(log_p[:4000], y[:4000])
    sets = calibration.prediction_sets(calibration.apply(log_p[4000:]), coverage)
    covered = sets[np.arange(8000), y[4000:]].mean()
    # The standard errors of the 4000 fitted on and the 8000 looked at.
    spread = math.sqrt(coverage * (1 - coverage) * (1 / 4000 + 1 / 8000))
    assert covered == pytest.approx(coverage, abs=4 * spread)


def test_average_coverage_of_many_small_fits_is_not_below_nominal(generator):
    log_p, y = forecasts(generator, 400 * 60)
    covered = []
    for rows in np.split(np.arange(y.size), 400):
        known, new = rows[:30], rows[30:]
        calibration = fit_calibration(log_p[known], y[known])
        sets = calibration.prediction_sets(calibration.apply(log_p[new]), 0.90)
        covered.append(sets[np.arange(30), y[new]].mean())
    # Between 0.9 and 0.9 + 1/31 in theory; 400 fits tell it to 0.004.
    assert 0.89 < np.mean(covered) < 0.945


def test_threshold_is_the_quantile_for_finite_samples():
    # Twenty PDFs whose true group, the second, has 0.50, 0.51, … before it.
    first = 0.5 + 0.01 * np.arange(20)
    p = np.stack([first, 1 - first], axis=1)
    p[0] = 0.5 + 1e-9, 0.5 - 1e-9
    y = np.ones(20, dtype=int)
    calibration = fit_calibration(np.log(p), y, coverages=(0.50, 0.90, 0.95, 0.99))
    before = np.sort(mass_before(calibration.apply(np.log(p)))[:, 1])
    # ⌈21 · 0.50⌉ = 11, ⌈21 · 0.90⌉ = 19, ⌈21 · 0.95⌉ = 20, ⌈21 · 0.99⌉ = 21 > 20
    wanted = [before[10], before[18], before[19], 1.0]
    found = list(calibration.conformal.values())
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert all(a >= b for a, b in zip(found, wanted, strict=True))


def test_a_mapping_keeps_the_fit_of_other_groups():
    others = OtherGroupFit(0.18, -3.0, 0.9, 3000)
    made = Calibration(1.2, {"0.90": 0.8}, "validation part", 9, others)
    again = Calibration.from_mapping(json.loads(json.dumps(made.to_mapping())))
    assert again == made
    assert "other_groups" not in Calibration(1.2, {}, "none", 1).to_mapping()


def test_too_few_pdfs_let_every_group_in(generator):
    log_p, y = forecasts(generator, 5)
    calibration = fit_calibration(log_p, y)
    assert calibration.prediction_sets(calibration.apply(log_p), 0.95).all()


@given(
    st.integers(0, 2**32 - 1),
    st.floats(0.0, 1.0),
    st.floats(0.1, 40.0),
)
def test_sets_are_never_empty_and_hold_the_most_probable_groups(seed, threshold, scale):
    log_p = log_softmax(
        np.random.default_rng(seed).normal(size=(20, 7)) * scale, axis=1
    )
    sets = Calibration(1.0, {"0.90": threshold}, "none", 1).prediction_sets(log_p, 0.9)
    assert sets[np.arange(20), log_p.argmax(axis=1)].all()
    least = np.where(sets, log_p, np.inf).min(axis=1)
    most = np.where(sets, -np.inf, log_p).max(axis=1)
    assert (least >= most).all()


def test_larger_coverage_has_larger_sets(generator):
    log_p, y = forecasts(generator, 1000)
    calibration = fit_calibration(log_p, y)
    calibrated = calibration.apply(log_p)
    narrow = calibration.prediction_sets(calibrated, 0.90)
    wide = calibration.prediction_sets(calibrated, 0.95)
    assert (narrow <= wide).all()
    assert narrow.sum() < wide.sum()


def test_error_of_a_true_forecaster_is_that_of_sampling(generator):
    n, bins = 50_000, 15
    log_p, y = forecasts(generator, n)
    assert expected_calibration_error(log_p, y, bins) < math.sqrt(bins / n)


def test_error_of_a_braggart_is_what_he_boasts():
    # Always 80 % sure of the first group, right in half of the cases: 0.3.
    log_p = np.log(np.tile([0.8, 0.15, 0.05], (10, 1)))
    y = np.array([0, 1] * 5)
    assert expected_calibration_error(log_p, y) == pytest.approx(0.3)


def test_certainty_belongs_to_the_last_bin():
    log_p = np.array([[0.0, -800.0], [0.0, -800.0]])
    assert expected_calibration_error(log_p, np.array([0, 0])) == 0.0


def test_calibration_comes_back_from_json(generator):
    calibration = fit_calibration(
        *forecasts(generator, 300), fitted_on="validation part"
    )
    text = json.dumps(calibration.to_mapping())
    assert Calibration.from_mapping(json.loads(text)) == calibration
    assert calibration.n == 300


@pytest.mark.parametrize(
    ("change", "message"),
    [
        # a temperature that is none: refused
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"temperature": math.nan}, "temperature must be above 0"),
        # a coverage of more than everything: refused
        ({"conformal": {"1.50": 0.4}}, "a coverage must be between 0 and 1"),
        # a coverage written in another way: refused, it would not be found again
        ({"conformal": {"0.9": 0.4}}, "two decimals, got '0.9'"),
        # a threshold that is no probability: refused
        ({"conformal": {"0.90": 1.5}}, "threshold of coverage 0.90"),
        # a key nobody knows: the keys are named
        ({"temprature": 1.0}, "keys temperature, .*, temprature"),
    ],
)
def test_damaged_mappings_are_refused(change, message):
    values = {
        "temperature": 1.5,
        "conformal": {"0.90": 0.8},
        "fitted_on": "validation part",
        "n": 10,
    }
    with pytest.raises(ValueError, match=message):
        Calibration.from_mapping({**values, **change})


def test_what_cannot_be_fitted_is_refused(generator):
    log_p, y = forecasts(generator, 10)
    with pytest.raises(ValueError, match="one class for each PDF"):
        fit_calibration(log_p, y[:5])
    log_p[3, 2] = -np.inf
    with pytest.raises(ValueError, match="must be finite"):
        fit_calibration(log_p, y)


def test_a_coverage_that_was_not_fitted_is_refused(generator):
    calibration = fit_calibration(*forecasts(generator, 10))
    with pytest.raises(ValueError, match=r"coverages are 0\.90, 0\.95"):
        calibration.prediction_sets(np.zeros((1, 3)), 0.99)
