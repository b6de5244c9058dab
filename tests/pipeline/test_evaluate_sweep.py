import csv
import json
from pathlib import Path

import pytest

from gromega.evaluation.subsamples import read_subsamples


def scores(axis):
    files = sorted(Path("metrics/sweeps", axis).iterdir())
    return {path.stem: json.loads(path.read_text()) for path in files}


def reference():
    return json.loads(Path("metrics/reference.json").read_text())


@pytest.mark.parametrize(("axis", "count"), [("uiso", 6), ("rmax", 11)])
def test_every_value_of_an_axis_has_scores(inside, axis, count):
    found = scores(axis)
    assert len(found) == count
    assert all(0 <= s["top1"] <= s["top6"] <= 1 for s in found.values())
    numbers = {key: {*map(type, score.values())} for key, score in found.items()}
    assert set.union(*numbers.values()) <= {float, int}
    assert not Path("metrics/sweeps/qmax").exists()


@pytest.mark.parametrize("name", ["project", "robust_project"])
@pytest.mark.parametrize(("axis", "key"), [("uiso", "0.008"), ("rmax", "30")])
def test_at_the_reference_the_scores_are_those_of_the_reference(
    name, axis, key, request, monkeypatch
):
    monkeypatch.chdir(request.getfixturevalue(name))
    # PDFs go to the model in other blocks along a sweep
    assert scores(axis)[key] == pytest.approx(reference(), abs=1e-5)


def test_a_curve_has_the_scores_of_its_axis(inside):
    with Path("metrics/curves/rmax.csv").open() as file:
        rows = list(csv.DictReader(file))
    found = {row["value"]: float(row["top1"]) for row in rows}
    assert found == {key: score["top1"] for key, score in scores("rmax").items()}


def test_subsamples_have_the_mean_of_the_test_part(inside):
    subsamples = read_subsamples(Path("data/subsamples.parquet"))
    assert len(subsamples) == 6 + 11
    uiso = scores("uiso")
    for (sweep, key), accuracies in subsamples.items():
        assert accuracies["top1"].shape == (100,)
        if sweep == "uiso":
            mean = accuracies["top1"].mean()
            assert mean == pytest.approx(uiso[key]["top1"], abs=0.2)
