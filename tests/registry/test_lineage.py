import subprocess
from pathlib import Path

import pytest
import yaml
from releasable import change_json

from gromega._util.files import sha256
from gromega.model.io import load_model
from gromega.params import Params, read_params
from gromega.registry.lineage import lineage_of, write_params
from gromega.registry.tracked import md5_of

MODEL = Path("models/current")


def write_lock():
    """Write dvc.lock as if DVC had made the model."""
    out = {"path": "models/current", "md5": md5_of(MODEL)}
    lock = {"schema": "2.0", "stages": {"calibrate": {"outs": [out]}}}
    Path("dvc.lock").write_text(yaml.safe_dump(lock))


def git(*arguments):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    done = subprocess.run(
        ["git", *identity, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.usefixtures("pipeline")
def test_outside_of_a_repository_no_commit_is_stated():
    found = lineage_of(Path(), MODEL, load_model(MODEL))
    assert (found["commit"], found["clean"], found["dvc_lock"]) == (None, None, None)
    assert found["parent"] is None
    assert {"jax", "numpy", "spglib"} <= found["libraries"].keys()


@pytest.mark.usefixtures("pipeline")
def test_the_commit_and_the_lock_are_stated():
    write_lock()
    git("init")
    git("add", "params.yaml", "dvc.lock")
    git("commit", "-m", "Train")
    found = lineage_of(Path(), MODEL, load_model(MODEL))
    assert (found["commit"], found["clean"]) == (git("rev-parse", "HEAD"), True)
    assert found["dvc_lock"] == sha256(Path("dvc.lock"))
    Path("params.yaml").write_text("")
    assert lineage_of(Path(), MODEL, load_model(MODEL))["clean"] is False


@pytest.mark.usefixtures("pipeline")
def test_the_lock_of_another_model_is_refused():
    write_lock()
    change_json(MODEL / "config.json", note="another")
    with pytest.raises(ValueError, match=r"dvc\.lock"):
        lineage_of(Path(), MODEL, load_model(MODEL))


def test_parameters_are_written_in_full_without_folders(tmp_path):
    (tmp_path / "params.yaml").write_text(
        "crystals: {source: ../else/where.parquet}\nreference: {qmax: 25}\n"
        "train: {start: models/spacegroup}\n"
    )
    write_params(tmp_path, tmp_path / "all.yaml")
    found = read_params(tmp_path / "all.yaml")
    assert (found.crystals.source, found.train.start) == ("where.parquet", "spacegroup")
    assert found.reference.qmax == 25
    assert found.split == Params().split
    content = yaml.safe_load((tmp_path / "all.yaml").read_text())
    assert content.keys() == Params.model_fields.keys()
