import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gromega.cli.main import app
from gromega.lake.predictions import read_predictions
from gromega.lake.splits import read_part
from gromega.model.io import hashes_of


def scores():
    return json.loads(Path("metrics/reference.json").read_text())


def test_metrics_are_of_the_test_part(inside):
    found = scores()
    assert found["n"] == 6
    assert 0 <= found["top1"] <= found["top6"] <= 1
    # a model without neighbours makes no use of compositions
    assert "top1_with_composition" not in found


def test_predictions_are_of_the_test_part_by_this_model(inside):
    found = read_predictions(Path("data/predictions/reference.zarr"))
    ids, _ = read_part(Path("data/split.parquet"), "test")
    assert found.ids.tolist() == ids.tolist()
    assert dict(found.model_sha256) == hashes_of(Path("models/current"))


def test_the_confusion_has_a_row_for_each_test_crystal(inside):
    with Path("metrics/confusion.csv").open() as file:
        rows = list(csv.DictReader(file))
    _, space_groups = read_part(Path("data/split.parquet"), "test")
    assert [int(row["actual"]) for row in rows] == space_groups.tolist()
    right = sum(row["actual"] == row["predicted"] for row in rows)
    assert right / 6 == pytest.approx(scores()["top1"], abs=1e-6)


def test_the_composition_helps_where_each_group_has_its_own(inside_robust):
    found = scores()
    assert found["top1_with_composition"] > found["top1"]


@pytest.mark.parametrize("name", ["project", "robust_project"])
def test_the_command_evaluate_gives_the_same_scores(name, request, monkeypatch):
    monkeypatch.chdir(request.getfixturevalue(name))
    result = CliRunner().invoke(app, ["evaluate", "models/current"])
    found, expected = json.loads(result.stdout), scores()
    # the command asks once for all PDFs, the stage in blocks
    assert found == pytest.approx(expected, abs=1e-4)
