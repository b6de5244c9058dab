import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from wave_training import TINY, waves

import gromega
from gromega.params import Params, Train
from gromega.training import run
from gromega.training.history import Epoch
from gromega.training.inputs import FixedInputs
from gromega.training.prepare import TrainingFiles
from gromega.training.run import TrainingData, run_training

PARAMS = Params(train=Train(epochs=2))


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = TrainingFiles(*map(Path, ("crystals", "split", "augmentation")))
    for path in (files.crystals, files.split, files.augmentation):
        path.write_text(path.name)
    return TrainingData(
        groups=np.array([2, 14, 62]),
        inputs=FixedInputs(waves(64, 0)),
        types=None,
        validation=waves(32, 1),
        box=None,
        test_ids=np.array(["other"]),
        files=files,
    )


@pytest.fixture
def untrained(monkeypatch):
    """Replace the training by one epoch that leaves the network as it is."""
    history = [Epoch(1, 1.0, 0.5, 1.0)]
    monkeypatch.setattr(
        run, "train_network", lambda recipe, network, *_: (network, history)
    )


def test_the_result_is_a_model_with_the_facts_of_its_training(data, untrained):
    result = run_training(TINY, PARAMS, data)
    facts = result.model.training
    assert facts["recipe"] == "small"
    assert facts["epochs"] == 2
    assert facts["samples"] == 2 * 64
    assert list(facts["sha256"]) == ["crystals", "split"]
    assert facts["radiations"] == ["xray"]
    assert facts["validation_top1"] == result.summary["validation_top1"]
    assert result.model.space_groups.tolist() == [2, 14, 62]
    json.dumps(facts)


def test_the_weights_of_the_model_are_rounded(data, untrained):
    weights = run_training(TINY, PARAMS, data).model.weights
    assert weights["last/kernel"].dtype == np.int8


def test_a_training_that_is_run_again_continues_from_its_checkpoint(data):
    first = run_training(TINY, PARAMS, data)
    reports = []
    again = run_training(TINY, PARAMS, data, reports.append)
    assert again.folder == first.folder
    assert [e.loss for e in again.history] == [e.loss for e in first.history]
    assert not reports


@pytest.mark.parametrize(
    "change",
    [
        # another recipe, another parameter, another file: another folder
        {"recipe": replace(TINY, weight_decay=0.1)},
        {"params": Params(train=Train(epochs=2, seed=1))},
        {"file": "crystals"},
    ],
)
def test_another_training_does_not_continue_from_the_checkpoint(
    data, untrained, change
):
    first = run_training(TINY, PARAMS, data)
    if "file" in change:
        Path(change["file"]).write_text("changed")
    recipe, params = change.get("recipe", TINY), change.get("params", PARAMS)
    assert run_training(recipe, params, data).folder != first.folder


def test_only_code_that_determines_the_weights_is_in_the_fingerprint():
    package = Path(gromega.__file__).parent
    names = {path.relative_to(package).as_posix() for path in run._sources()}
    assert {"conditions.py", "networks/liu.py", "training/loop.py"} <= names
    assert "crystals/generate/priors.json" in names
    assert {name.split("/")[0] for name in names} == {
        "conditions.py", "crystals", "defects.py",
        "lake", "networks", "pdf", "training",
    }  # fmt: skip


def test_the_epochs_name_the_folder_only_if_the_rate_depends_on_them(data, untrained):
    def folder(recipe, epochs):
        params = Params(train=Train(epochs=epochs))
        return run_training(recipe, params, data).folder

    for change in ({"constant": True}, {"decay": 0.025}):
        recipe = replace(TINY, **change)
        assert folder(recipe, 2) == folder(recipe, 3)
    assert folder(TINY, 2) != folder(TINY, 3)
