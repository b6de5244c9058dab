import json
from dataclasses import replace

import numpy as np
import pytest
from conftest import SETS

from gromega import read_pdf
from gromega.measured.resample import to_input
from gromega.model.other_groups import OtherGroupFit

GROUPS = np.array([166, 194, 225, 14])


def test_a_prediction_shows_itself(small_model, files):
    prediction = small_model.predict(read_pdf(files / "25.gr"))
    first = prediction.groups[0]
    assert f"{first.number:4} {first.symbol}" in str(prediction)
    assert "90 % prediction set: " in str(prediction)
    first_known = prediction.neighbours[0]
    assert f"{first_known.formula} ({first_known.id}, " in str(prediction)
    page = prediction._repr_html_()
    assert page.count("<tr>") == 5
    assert json.loads(json.dumps(prediction.to_mapping()))["groups"][0]["number"] == (
        first.number
    )


def test_the_probability_of_other_groups_is_shown(small_model, files):
    pdf = read_pdf(files / "25.gr")
    assert small_model.predict(pdf).other_groups is None
    others = OtherGroupFit(0.18, -2.0, 0.9, 3000)
    with_fit = replace(small_model, calibration=replace(SETS, other_groups=others))
    prediction = with_fit.predict(pdf)
    p = others.probability(small_model.log_probabilities(to_input(pdf)[None]))[0]
    assert prediction.other_groups.probability == pytest.approx(p)
    assert f"outside the model's groups: {100 * p:.0f} % (if 18 %" in str(prediction)
    assert prediction.to_mapping()["other_groups"]["share"] == 0.18
    # with the composition, its own calibration counts
    given = with_fit.predict(read_pdf(files / "25.gr", composition="NaCl"))
    assert given.other_groups is None


def test_groups_and_systems_are_shown(small_model, files):
    prediction = small_model.predict(read_pdf(files / "25.gr"))
    assert "(of 4 groups)" in str(prediction)
    (first, share), *_ = prediction.systems.items()
    assert f"crystal system: {first} {100 * share:.0f} %" in str(prediction)
    # a session shows a model, not all that is in it
    assert len(repr(replace(small_model, test_crystals=None))) < 3000


def test_groups_that_are_mirror_images_are_shown_as_a_pair(small_model, files):
    groups = np.where(GROUPS == 166, 152, small_model.space_groups)
    assert (small_model.space_groups == GROUPS).all()
    with_pair = replace(small_model, space_groups=groups)
    prediction = with_pair.predict(read_pdf(files / "25.gr"), coverage=0.95)
    pair = next(c for c in prediction.groups if c.number == 152)
    assert (pair.symbol, pair.system) == ("P3121 / P3221", "trigonal")
    rows = str(prediction).splitlines()[1:5]
    assert any(row.split()[:4] == ["152/154", "P3121", "/", "P3221"] for row in rows)
    # the columns stay columns
    assert len({row.index(" %") for row in rows}) == 1
