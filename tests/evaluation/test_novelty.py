from dataclasses import replace

import numpy as np
import pytest
from conftest import SETS, scaled
from familiar import FIT

from gromega.conditions import REFERENCE, Box
from gromega.crystals.crystal import Crystal
from gromega.evaluation.novelty import (
    NO_RATIOS,
    amd,
    classes_of,
    corners,
    nearest_by_amd,
    score_by_novelty,
)
from gromega.networks.logits import ranks


def test_the_amd_depends_on_the_arrangement_not_on_the_size(classics):
    nickel = next(c for c in classics if c.id == "nickel")
    iron = next(c for c in classics if c.id == "iron")
    small, large, other = amd([nickel, scaled(nickel, "large", 1.3), iron])
    np.testing.assert_allclose(small, large, rtol=1e-4)
    # the nearest neighbour of f.c.c. at unit density: (√2)^(1/3)
    assert small[0] == pytest.approx(2 ** (1 / 6), rel=1e-4)
    assert abs(np.log(small / other)).max() > 0.02


def test_the_nearest_crystal_has_the_same_ratios():
    trained = np.array([[1.0, 2.0], [1.1, 2.0], [5.0, 5.0]])
    distance, index = nearest_by_amd(
        np.array([[1.0, 2.1], [1.0, 2.0], [1.0, 2.0], [1.1, 2.0]]),
        ["AB", "A", "AB2", "AB"], trained, ["AB", "AB", "A"],
    )  # fmt: skip
    np.testing.assert_allclose(distance, [np.log(1.05), np.log(5.0), np.inf, 0.0])
    assert index.tolist() == [0, 2, -1, 1]


def test_each_crystal_is_in_one_class_of_either_kind():
    relatives = np.array([0, 1, 2, 3, 9, 10, 99, 100, 1500])
    distances = np.array([0.0, 0.02, 0.05, 0.1, 3.0, np.inf, 0.01, 0.01, 0.01])
    found = classes_of(relatives, distances)
    by_relatives = [rows for name, rows in found.items() if "relative" in name]
    by_distance = [rows for name, rows in found.items() if "AMD" in name]
    assert np.sum(by_relatives, axis=0).tolist() == [1] * 9
    assert np.sum([*by_distance, found[NO_RATIOS]], axis=0).tolist() == [1] * 9
    assert found["no relative"].tolist() == found["new"].tolist()
    assert (found["new"] ^ found["known"]).all()


def test_scores_are_those_of_each_statement(small_model, generator):
    model = replace(small_model, calibration=replace(SETS, familiarity=FIT))
    g = generator.normal(size=(40, 209)).astype(np.float32)
    y = np.arange(40) % 4
    classes = {"all": np.ones(40, bool), "some": np.arange(40) < 10, "none": y > 9}
    (result,) = model.query(g, [None])
    found = score_by_novelty(model, result, None, y, classes)
    assert {*found} == {"known", "new", "unsure"} and "none" not in found["new"]
    for case, scores in found.items():
        log_p = model.calibrated(result, None, case)
        sets = model.calibration.prediction_sets(log_p, 0.9, case)
        some = scores["some"]
        assert some["n"] == 10
        assert some["top1"] == pytest.approx((ranks(log_p, y)[:10] < 1).mean())
        confidence = np.exp(log_p.max(axis=1))[:10].mean()
        assert some["confidence"] == pytest.approx(confidence, abs=1e-6)
        assert some["coverage"] == pytest.approx(sets[np.arange(10), y[:10]].mean())
        assert some["size"] == pytest.approx(sets[:10].sum(axis=1).mean())
    plain = score_by_novelty(small_model, result, None, y, classes)
    assert {*plain} == {"unsure"}


def test_corners_are_within_the_box():
    box = Box()
    found = corners(box, REFERENCE)
    assert found["reference"] == REFERENCE and len(found) == 4
    assert all(box.outside(omega) == [] for omega in found.values())
    assert found["low resolution"].qmax == box.qmax[0]
    assert corners(None, REFERENCE) == {"reference": REFERENCE}


def test_an_empty_cell_has_no_amd():
    with pytest.raises(ValueError):
        amd([Crystal("nothing", np.eye(3), [], np.zeros((0, 3)))])
