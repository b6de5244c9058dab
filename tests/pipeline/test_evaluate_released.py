import json
from pathlib import Path

import pytest

from gromega.evaluation.plot_data import read_curve
from gromega.evaluation.results import results
from gromega.model.io import load_model
from gromega.networks.logits import ranks
from gromega.sweeps import AXES


def test_the_released_model_is_scored_on_the_crystals_it_carries(inside):
    crystals = load_model("models/spacegroup").test_crystals
    for name, axis in AXES.items():
        found, scores = read_curve(Path(f"metrics/released/{name}.csv"), axis)
        assert found.values == axis.values
        assert {score["n"] for score in scores.values()} == {len(crystals.ids)}


def test_its_accuracy_is_the_share_of_true_groups_at_each_point(inside):
    model = load_model("models/spacegroup")
    omega = model.conditions.at(rmax=14.0)
    rows, g = model.test_crystals.simulate(omega)
    rank = ranks(model.log_probabilities(g), model.test_crystals.y[rows])
    _, scores = read_curve(Path("metrics/released/rmax.csv"), AXES["rmax"])
    assert scores["14"]["top1"] == pytest.approx((rank < 1).mean(), abs=1e-6)


def test_scores_at_the_reference_are_the_metric(inside_robust):
    scores = json.loads(Path("metrics/released.json").read_text())
    _, of_axis = read_curve(Path("metrics/released/qmax.csv"), AXES["qmax"])
    assert scores["top1"] == of_axis["23"]["top1"]
    known = of_axis["23"]["with_composition"]["top6"]
    assert scores["top6_with_composition"] == known


def test_the_report_and_the_results_have_it(inside):
    headings = [
        line
        for line in Path("metrics/report/report.md").read_text("utf-8").splitlines()
        if line.startswith("## ")
    ]
    assert headings[0] == "## Released model"
    assert Path("metrics/report/figures/released-qdamp.svg").is_file()
    lines = list(results(Path("metrics")))
    assert sum(not isinstance(line, str) for line in lines) == 2 + len(AXES)
