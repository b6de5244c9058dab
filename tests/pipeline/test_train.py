import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from gromega.lake.splits import read_part
from gromega.model.io import load_model


def metrics():
    return json.loads(Path("metrics/train.json").read_text())


def test_metrics_count_the_training_and_the_validation_part(inside):
    for name, part in (("n_train", "train"), ("n_validation", "validation")):
        ids, _ = read_part(Path("data/split.parquet"), part)
        assert metrics()[name] == ids.size


def test_a_crystal_of_the_test_part_is_not_trained_on(
    project, run, tmp_path, monkeypatch
):
    # a split that was edited: a test crystal is in the training part as well
    shutil.copytree(project, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    split = pq.read_table("data/split.parquet")
    parts = split["part"].cast(pa.string()).to_pylist()
    train = pa.array(["train"]).dictionary_encode()
    leaked = split.slice(parts.index("test"), 1).set_column(2, "part", train)
    pq.write_table(pa.concat_tables([split, leaked]), "data/split.parquet")
    with pytest.raises(ValueError, match="nickel-2"):
        run("train")


def test_the_robust_recipe_trains_on_augmentation_crystals(inside_robust):
    found = metrics()
    assert found["n_train"] == 15 + 24 + 6
    assert 0 <= found["validation_box_top1"] <= found["validation_box_top6"] <= 1


def test_an_interrupted_training_goes_on(inside_robust):
    lines = Path("metrics/training.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["epoch", "1", "2"]
    # The state is removed. What later runs can use stays.
    kept = {path.name.split("-")[0] for path in Path(".work").iterdir()}
    assert kept == {"locks", "stores", "symmetry", "unfinished"}


def test_a_training_at_a_constant_rate_goes_on_when_the_epochs_are_raised(
    project, run, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").symlink_to(project / "data")
    losses = []
    for epochs in (1, 2):
        train = {"epochs": epochs, "schedule": "constant"}
        Path("params.yaml").write_text(yaml.safe_dump({"train": train}))
        run("train")
        lines = Path("metrics/training.csv").read_text().splitlines()[1:]
        losses.append([float(line.split(",")[1]) for line in lines])
    assert len(losses[1]) == 2 and losses[1][:1] == losses[0]
    # One folder has the state of both.
    assert len([path for path in Path(".work").iterdir() if len(path.name) == 16]) == 1


def test_a_trained_model_is_without_neighbours_and_test_crystals(inside_robust):
    trained = load_model("models/trained")
    assert trained.neighbours is None and trained.test_crystals is None


def test_without_augmentation_the_training_part_is_all(
    robust_project, tiny_recipe, run, tmp_path, monkeypatch
):
    shutil.copytree(robust_project, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["crystals"].update(theoretical=False, synthetic=0)
    params["train"]["epochs"] = 1
    Path("params.yaml").write_text(yaml.safe_dump(params))
    run("crystals", "train")
    assert metrics()["n_train"] == 15


def test_a_box_beyond_the_pair_spectra_is_refused(
    project, tiny_recipe, run, tmp_path, monkeypatch
):
    (tmp_path / "data").symlink_to(project / "data")
    monkeypatch.chdir(tmp_path)
    params = {
        "train": {"recipe": "robust"},
        "spectra": {"dmax": 35.0},
        "sweep": {"param": "qdamp"},
    }
    Path("params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(ValueError, match=r"36\.00 Å"):
        run("train")
