from dataclasses import replace

import numpy as np
import pytest

from gromega import read_pdf
from gromega.model.candidates import Candidate
from gromega.model.intervals import Share
from gromega.model.reliability import Reliability
from gromega.model.verdict import certainty, make_verdict


def share(value):
    return Share.of(np.arange(100) < 100 * value)


def reliability(top1, alike):
    every, near = share(top1), share(alike)
    return Reliability(every, every, 100, near, near, 100)


def groups(probability, n=219):
    first = Candidate(221, "Pm-3m", "cubic", probability, True)
    rest = (1 - probability) / (n - 1)
    return [first, *[Candidate(1, "P1", "triclinic", rest, True)] * (n - 1)]


@pytest.mark.parametrize(
    ("probability", "alike", "level"),
    [
        # both from 80 % on: likely
        (0.95, 0.9, "likely"),
        (0.8, 0.8, "likely"),
        # the lower one decides
        (0.95, 0.7, "possible"),
        (0.6, 0.9, "possible"),
        (0.95, 0.4, "undecided"),
        (0.49, 0.9, "undecided"),
        # without reliability, the probability alone
        (0.95, None, "likely"),
        (0.5, None, "possible"),
        (0.2, None, "undecided"),
    ],
)
def test_the_level_is_that_of_the_lower_of_two_shares(probability, alike, level):
    found = alike and reliability(0.7, alike)
    verdict = make_verdict(groups(probability), found, False)
    assert verdict.level == level
    assert "Pm-3m" in verdict.text and "221" in verdict.text
    assert f"{100 * probability:.0f} %" in verdict.text
    assert "\n" not in verdict.text
    assert certainty(probability, found) == min(probability, alike or 1)


@pytest.mark.parametrize(
    ("top1", "n_groups", "level"),
    [
        # many groups: chance is hardly ever right
        (0.61, 219, "high"), (0.6, 219, "medium"),
        (0.41, 219, "medium"), (0.4, 219, "low"),
        # two groups: half are right by chance
        (0.8, 2, "high"), (0.79, 2, "medium"), (0.7, 2, "medium"), (0.63, 2, "low"),
    ],
)  # fmt: skip
def test_the_reliability_is_better_than_chance(top1, n_groups, level):
    found = reliability(top1, 0.9)
    verdict = make_verdict(groups(0.9, n_groups), found, False)
    assert verdict.reliability == level and verdict.text.endswith(level)


def test_a_pdf_unlike_all_crystals_has_no_group_in_its_verdict():
    verdict = make_verdict(groups(0.99), reliability(0.7, 0.9), True)
    assert verdict.level == "unlike"
    assert "Pm-3m" not in verdict.text


def test_a_prediction_begins_with_its_verdict(model, small_model, files):
    for each in (model, small_model):
        prediction = each.predict(read_pdf(files / "25.gr"))
        assert str(prediction).splitlines()[0] == prediction.verdict.text
        assert prediction.verdict.text in prediction._repr_html_()
        known = prediction.verdict.reliability is not None
        assert known == (each is model)


def test_a_file_that_is_like_nothing_known_says_so(model, files):
    directions = model.neighbours.components.shape[1]
    scores = np.array([1.0, *np.zeros(directions + 1)], np.float32)
    odd = replace(model, neighbours=replace(model.neighbours, unlike=scores))
    found = odd.predict(read_pdf(files / "25.gr"), reliability=False)
    assert found.verdict.level == "unlike"
    assert found.to_mapping()["verdict"]["level"] == "unlike"
