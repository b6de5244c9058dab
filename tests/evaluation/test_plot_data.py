import csv

import numpy as np
import pytest

from gromega.evaluation.plot_data import read_curve, write_confusion, write_curve
from gromega.lake.predictions import StoredPredictions
from gromega.sweeps import get_axis


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def scores(axis, **more):
    return {
        axis.key(value): {"top1": k / 100, "top6": k / 50, "n": 9, **more}
        for k, value in enumerate(axis.values)
    }


def test_a_curve_has_numbers_in_the_order_of_the_axis(tmp_path):
    axis = get_axis("qdamp")
    write_curve(tmp_path / "curves" / "qdamp.csv", axis, scores(axis))
    rows = read(tmp_path / "curves" / "qdamp.csv")
    assert list(rows[0]) == ["value", "top1", "top6", "n"]
    assert [float(row["value"]) for row in rows] == list(axis.values)
    assert [float(row["top1"]) for row in rows] == [k / 100 for k in range(7)]


def test_a_curve_has_the_accuracies_with_the_composition_if_scored(tmp_path):
    axis = get_axis("radiation")
    known = {"top1": 0.6, "top6": 0.9}
    write_curve(tmp_path / "a.csv", axis, scores(axis, with_composition=known))
    rows = read(tmp_path / "a.csv")
    assert [row["value"] for row in rows] == ["xray", "neutron"]
    assert rows[0]["top1_with_composition"] == "0.6"
    assert rows[1]["top6_with_composition"] == "0.9"


@pytest.mark.parametrize("name", ["rmax", "diameter", "radiation", "r_offset"])
@pytest.mark.parametrize("more", [{}, {"with_composition": {"top1": 0.6, "n": 9}}])
def test_a_curve_is_read_as_it_was_written(tmp_path, name, more):
    axis = get_axis(name)
    write_curve(tmp_path / "a.csv", axis, scores(axis, **more))
    assert read_curve(tmp_path / "a.csv", axis) == (axis, scores(axis, **more))


def test_a_curve_brings_its_own_values(tmp_path):
    axis = get_axis("rmax", [12.5, 20])
    write_curve(tmp_path / "a.csv", axis, scores(axis))
    found, _ = read_curve(tmp_path / "a.csv", get_axis("rmax"))
    assert found.values == (12.5, 20.0)
    assert [found.key(value) for value in found.values] == ["12.5", "20.0"]


@pytest.mark.parametrize("groups", [[2, 14, 62], [62, 2, 14]])
def test_confusion_has_the_groups_of_each_crystal(tmp_path, groups):
    groups = np.array(groups)
    first = np.array([14, 14, 2])
    log_p = np.log(np.where(groups == first[:, None], 0.8, 0.1))[None]
    found = StoredPredictions(
        np.array(list("abc")), groups, log_p, np.ones((1, 3), bool), None
    )
    write_confusion(tmp_path / "confusion.csv", found, np.array([14, 62, 2]))
    assert [tuple(row.values()) for row in read(tmp_path / "confusion.csv")] == [
        ("14", "14"),
        ("62", "14"),
        ("2", "2"),
    ]
    assert list(read(tmp_path / "confusion.csv")[0]) == ["actual", "predicted"]
