import json
from dataclasses import replace

import numpy as np
import pytest
from conftest import SETS
from familiar import FIT
from forecasts import forecasts
from scipy.special import log_softmax

from gromega import read_pdf
from gromega.model.calibration import Calibration
from gromega.model.familiarity import Familiarity, features, mixed, mixture
from gromega.model.neighbours import NeighbourResult


@pytest.fixture(scope="module")
def two_cases(small_model):
    """A model that was calibrated for known and for new structure types."""
    return replace(
        small_model,
        calibration=replace(SETS, familiarity=FIT),
        calibration_with_composition=None,
    )


@pytest.fixture
def result(generator):
    network, shares = (forecasts(generator, 50)[0] for _ in range(2))
    return replace(
        NeighbourResult.without_neighbours(network.astype(np.float32)),
        log_shares=shares.astype(np.float32),
        familiarity=generator.random(50).astype(np.float32),
    )


@pytest.mark.parametrize(("weight", "temperature"), [(0.0, 1.0), (1.0, 1.0), (0.3, 2)])
def test_a_case_has_its_own_weight_and_temperature(result, weight, temperature):
    both = (1 - weight) * result.network + weight * result.log_shares
    expected = log_softmax(both.astype(float) / temperature, axis=1)
    np.testing.assert_allclose(mixed(result, weight, temperature), expected, atol=1e-5)


def test_a_mixture_is_the_mean_of_both_cases(generator):
    known, new = (forecasts(generator, 4)[0] for _ in range(2))
    p_new = np.array([0.0, 0.3, 0.5, 1.0])
    expected = (1 - p_new)[:, None] * np.exp(known) + p_new[:, None] * np.exp(new)
    found = mixture(known, new, p_new)
    np.testing.assert_allclose(np.exp(found), expected, atol=1e-12)


def test_features_are_familiarity_entropy_and_confidence(result):
    uniform = np.full((50, 45), -np.log(45))
    x = features(result, uniform)
    np.testing.assert_allclose(x[:, 0], result.familiarity)
    np.testing.assert_allclose(x[:, 1], np.log(45))
    np.testing.assert_allclose(x[:, 2], -np.log(45))
    counts = np.arange(50)
    given = features(result, uniform, counts)
    np.testing.assert_allclose(given[:, 3], np.log1p(counts))
    assert given[:, 4].tolist() == [1.0] + 49 * [0.0]


def test_the_log_odds_of_a_new_type_are_linear(result):
    x = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
    odds = -1.0 - 0.5 + 0.6 - 0.6
    expected = 1 / (1 + np.exp([-odds, 1.0]))
    np.testing.assert_allclose(FIT.p_new(x), expected)


def test_a_mixture_has_a_share_of_its_own(result):
    x = features(result, result.network)
    own = replace(FIT, share_log_odds=(0.5, 0.1, 0.2, 0.3))
    known, new, both = own.cases(result, x).values()
    share = replace(FIT, log_odds=own.share_log_odds).p_new(x)
    np.testing.assert_allclose(both, mixture(known, new, share))
    np.testing.assert_array_equal(own.p_new(x), FIT.p_new(x))


@pytest.mark.parametrize(
    ("changed", "named"), [({"weight": 1.2}, "1.2"), ({"temperature": 0.0}, "0.0")]
)
def test_a_case_that_is_not_possible_is_refused(changed, named):
    with pytest.raises(ValueError, match=named):
        replace(FIT.known, **changed)


def test_a_calibration_with_both_cases_is_read_again():
    own = replace(FIT, share_log_odds=(0.5, 0.1, 0.2, 0.3))
    for familiarity in (FIT, own):
        calibration = replace(SETS, familiarity=familiarity)
        values = json.loads(json.dumps(calibration.to_mapping()))
        assert Calibration.from_mapping(values) == calibration
    del values["familiarity"]["share_log_odds"]  # as models up to v2.1.0
    assert Calibration.from_mapping(values).familiarity == FIT
    assert "familiarity" not in SETS.to_mapping()


def test_each_case_has_its_own_predictions_and_sets(two_cases, files):
    pdf = read_pdf(files / "25.gr")
    found = {
        stated: two_cases.predict(pdf, structure_type=stated)
        for stated in ("unsure", "known", "new")
    }
    first = {stated: each.groups[0].probability for stated, each in found.items()}
    familiarity = found["unsure"].familiarity
    assert familiarity.if_known == pytest.approx(first["known"])
    assert familiarity.if_new == pytest.approx(first["new"])
    p = {
        stated: {c.number: c.probability for c in each.groups}
        for stated, each in found.items()
    }
    for number, share in p["unsure"].items():
        expected = (1 - familiarity.p_new) * p["known"][number]
        expected += familiarity.p_new * p["new"][number]
        assert share == pytest.approx(expected)
    sizes = {k: sum(c.in_set for c in each.groups) for k, each in found.items()}
    assert sizes["known"] <= sizes["new"]
    assert found["new"].familiarity.p_new == familiarity.p_new
    assert found["new"].to_mapping()["familiarity"]["structure_type"] == "new"


def test_a_model_without_both_cases_knows_only_one(small_model, files):
    pdf = read_pdf(files / "25.gr")
    assert small_model.predict(pdf).familiarity is None
    with pytest.raises(ValueError, match="unsure"):
        small_model.predict(pdf, structure_type="new")
    with pytest.raises(ValueError, match="fresh"):
        small_model.predict(pdf, structure_type="fresh")


@pytest.mark.parametrize(
    ("n_alike", "p_new", "word", "count"),
    [
        (12, 0.07, "familiar: ", "like 12 known structures"),
        (1, 0.07, "familiar: ", "like 1 known structure "),
        (12, 0.7, "unfamiliar: ", "like 12 known structures"),
        (0, 0.7, "unfamiliar: ", "no known structure is like it"),
    ],
)
def test_familiarity_is_said_in_words(n_alike, p_new, word, count):
    made = Familiarity("unsure", p_new, 0.19, 0.97, n_alike, 0.91, 0.33, False)
    first, second, *cases = made.lines()
    assert first.startswith(word + count)
    assert f"{100 * p_new:.0f} %" in second
    assert ["9 of 10" in cases[0], "3 of 10" in cases[1]] == [True, True]
    _, stated, *_ = replace(made, structure_type="new").lines()
    assert "new" in stated and "%" not in stated
