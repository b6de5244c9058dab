"""A project of all space groups, of which three are the benchmark."""

import json
import shutil
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest
import yaml

from gromega._util.parallel import open_pool
from gromega.conditions import REFERENCE
from gromega.evaluation.released import released_scores, score_among_all
from gromega.evaluation.score import unflat
from gromega.lake.predictions import read_predictions
from gromega.lake.splits import benchmark_groups, read_benchmark, read_part
from gromega.model.io import load_model
from gromega.pipeline import STAGES
from gromega.registry.card import read_card
from gromega.registry.release import ReleaseInfo, release
from gromega.registry.reproduce import reproduce_from_carried, reproduce_from_source
from gromega.registry.training_data import DESCRIPTION
from gromega.sweeps import get_sweep

SPLIT = Path("data/split.parquet")


@pytest.fixture(scope="module")
def all_groups(robust_project, tiny_recipe, run, tmp_path_factory):
    """The training goes on from the model of three groups."""
    folder = tmp_path_factory.mktemp("all") / "project"
    shutil.copytree(robust_project, folder)
    with chdir(folder), pytest.MonkeyPatch.context() as patch:
        patch.setattr("gromega.lake.splits.BENCHMARK", 3)
        patch.setattr("gromega.evaluation.score.BENCHMARK", 3)
        patch.setattr("gromega.pipeline.train.check_start", lambda *_: None)
        params = yaml.safe_load(Path("params.yaml").read_text())
        params["crystals"] |= {"groups": "all", "synthetic": 0}
        params["train"] |= {"start": "models/spacegroup", "epochs": 1}
        Path("params.yaml").write_text(yaml.safe_dump(params))
        run(*STAGES)
        yield folder


@pytest.fixture
def inside_all(all_groups, monkeypatch):
    monkeypatch.chdir(all_groups)


def test_the_crystals_of_all_groups_are_split(inside_all, robust_project):
    ids, labels = read_part(SPLIT, "train")
    assert set(labels.tolist()) == {1, 194, 225, 229}
    before, _ = read_part(robust_project / SPLIT, "train")
    # those of the benchmark as without the others
    assert set(before.tolist()) == set(ids[labels != 1].tolist())


def test_the_model_has_all_groups(inside_all):
    model = load_model("models/current")
    assert model.space_groups.tolist() == [1, 194, 225, 229]
    assert model.calibration.other_groups is None
    assert model.training["start"]["version"] == "v1.0.0"


def test_metrics_are_of_the_benchmark_and_of_all(inside_all):
    found = unflat(json.loads(Path("metrics/reference.json").read_text()))
    ids, labels = read_part(SPLIT, "test")
    assert found["n"] == np.count_nonzero(labels != 1)
    assert found["all_groups"]["n"] == ids.size == found["n"] + 1
    stored = read_predictions(Path("data/predictions/reference.zarr"))
    assert stored.ids.tolist() == ids.tolist()
    right = stored.space_groups[stored.log_p[0].argmax(axis=1)] == labels
    assert found["all_groups"]["top1"] == pytest.approx(right.mean(), abs=1e-6)
    among = stored.log_p[0][labels != 1][:, 1:].argmax(axis=1)
    right = stored.space_groups[1:][among] == labels[labels != 1]
    assert found["top1"] == pytest.approx(right.mean(), abs=1e-6)


def test_sweeps_and_baselines_are_of_the_benchmark(inside_all):
    ids, _ = read_benchmark(SPLIT, "test")
    along = read_predictions(
        Path("data/predictions/sweeps/uiso.zarr"), get_sweep("uiso")
    )
    assert along.ids.tolist() == ids.tolist()
    folder = Path("data/predictions/baselines")
    baseline = read_predictions(folder / "nearest-neighbours.zarr")
    assert baseline.ids.tolist() == ids.tolist()
    assert baseline.space_groups.tolist() == benchmark_groups(SPLIT).tolist()
    point = json.loads(Path("metrics/sweeps/uiso/0.008.json").read_text())
    reference = json.loads(Path("metrics/reference.json").read_text())
    assert point["top1"] == pytest.approx(reference["top1"], abs=1e-6)
    assert point["n"] == reference["n"]


def test_the_report_has_a_section_on_all_groups(inside_all, robust_project):
    text = Path("metrics/report/report.md").read_text()
    assert "## This run: all space groups" in text
    before = (robust_project / "metrics/report/report.md").read_text()
    assert "## This run: all space groups" not in before


def test_a_model_of_all_groups_is_scored_on_what_it_carries(inside_all):
    model = load_model("models/current")
    ids, labels = read_part(SPLIT, "test")
    assert score_among_all(model)["n"] == ids.size
    groups = benchmark_groups(SPLIT)
    for axis, found in released_scores(model, groups):
        at_reference = found[axis.key(getattr(REFERENCE, axis.name))]
        assert at_reference["n"] == np.isin(labels, groups).sum()


def test_a_release_states_both_scores_and_they_are_reproduced(inside_all, tmp_path):
    about = tmp_path / "about.yaml"
    about.write_text(yaml.safe_dump(dict.fromkeys(DESCRIPTION, "a few crystals")))
    info = ReleaseInfo("everything", "v1.0.0", None, None)
    path = release(
        info, source=Path("crystals.parquet"), description=about, models=tmp_path
    )
    metrics = read_card(path)["metrics"]
    scores = unflat(json.loads(Path("metrics/reference.json").read_text()))
    assert metrics["all_groups"] == scores["all_groups"]
    assert metrics["reference"]["n"] == scores["n"]
    with open_pool() as pool:
        rows = list(
            reproduce_from_source(path, Path("crystals.parquet"), tmp_path / "w", pool)
        )
    assert {"reference", "reference, all groups"} <= {row.where for row in rows}
    assert [row for row in rows if row.differs] == []
    carried = list(reproduce_from_carried(path))
    assert [row for row in carried if row.differs] == []
