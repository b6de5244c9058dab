"""Two small projects in which all stages have run, once for all tests."""

import os
import shutil
from collections import Counter
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from conftest import NETWORK

from gromega._util.files import write_json
from gromega.crystals.table import write_table
from gromega.lake.splits import read_part
from gromega.pipeline import STAGES, main
from gromega.training.checkpoint import Checkpoints
from gromega.training.recipes import RECIPES

PARAMS = {
    "crystals": {"source": "crystals.parquet", "groups": 3},
    "split": {"test": 0.25, "validation": 0.2},
    "train": {"epochs": 2},
    "sweep": {"param": ["uiso", "rmax"]},
}


@pytest.fixture(scope="session")
def run():
    """Run stages in the current folder."""

    def run_stages(*names):
        for name in names:
            main([name])

    return run_stages


@pytest.fixture
def new_project(tmp_path, monkeypatch):
    """Return a function that starts a project with some parameters in a new folder."""
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()

    def start(**sections):
        Path("params.yaml").write_text(yaml.safe_dump(sections))
        return tmp_path

    return start


def start_project(folder, table, params):
    os.chdir(folder)
    for name in ("data", "models"):
        Path(name).mkdir()
    write_table(table, Path("crystals.parquet"))
    Path("params.yaml").write_text(yaml.safe_dump(params))


def run_and_release(run, *stages):
    """Run stages; the model of the project is the released one."""
    for stage in stages:
        run(stage)
        if stage == "calibrate":
            shutil.copytree("models/current", "models/spacegroup")
            # What the stages read of its card.
            _, labels = read_part(Path("data/split.parquet"), "train")
            counts = {str(n): {"train": k} for n, k in Counter(labels.tolist()).items()}
            card = {"name": "spacegroup", "version": "v1.0.0"}
            card |= {"data": {"by_space_group": counts}}
            write_json(Path("models/spacegroup/card.json"), card)


@pytest.fixture(scope="session")
def project(tmp_path_factory, small_table, run):
    """A project with the recipe `small`; 24 crystals of three space groups."""
    folder = tmp_path_factory.mktemp("project")
    with chdir(folder):
        start_project(folder, small_table, PARAMS)
        run_and_release(run, *STAGES)
    return folder


@pytest.fixture
def inside(project, monkeypatch):
    monkeypatch.chdir(project)


def not_observed(table):
    """Return copies of crystals, with other elements, that were not observed."""
    names = [f"theory {name}" for name in table["id"].to_pylist()]
    atoms = [[92] * len(numbers) for numbers in table["numbers"].to_pylist()]
    for name, values in (
        ("id", names),
        ("observed", [False] * len(names)),
        ("numbers", atoms),
    ):
        column = pa.array(values, table.field(name).type)
        table = table.set_column(
            table.column_names.index(name), table.field(name), column
        )
    return table


def of_another_group(table, count):
    """Return copies of the first crystals, labelled with the space group 1."""
    names = pa.array([f"other {k}" for k in range(count)])
    groups = pa.array([1] * count, table["space_group"].type)
    made = table.slice(0, count).set_column(0, "id", names)
    for name in ("space_group", "space_group_loose"):
        made = made.set_column(made.column_names.index(name), name, groups)
    return made


@pytest.fixture(scope="session")
def tiny_recipe():
    """The recipe `robust` with a tiny network."""
    recipe = replace(RECIPES["robust"], network=NETWORK, batch=8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RECIPES, "robust", recipe)
        yield recipe


@pytest.fixture(scope="session")
def robust_project(tmp_path_factory, small_table, run, tiny_recipe):
    """A project with the recipe `robust`, augmentation crystals and other groups.

    Its training was interrupted after the first epoch, and run again.
    """
    folder = tmp_path_factory.mktemp("robust")
    table = pa.concat_tables([small_table, of_another_group(small_table, 5)])
    table = pa.concat_tables([table, not_observed(table)])
    params = {
        **PARAMS,
        "crystals": {**PARAMS["crystals"], "theoretical": True, "synthetic": 2},
        "train": {"epochs": 2, "recipe": "robust"},
    }
    save = Checkpoints.save

    def save_and_stop(self, step, state):
        save(self, step, state)
        raise KeyboardInterrupt

    with chdir(folder), pytest.MonkeyPatch.context() as patch:
        start_project(folder, table, params)
        run("crystals", "split", "spectra", "library", "simulate")
        patch.setattr(Checkpoints, "save", save_and_stop)
        with pytest.raises(KeyboardInterrupt):
            run("train")
        patch.undo()
        run_and_release(run, *STAGES[STAGES.index("train") :])
    return folder


@pytest.fixture
def inside_robust(robust_project, tiny_recipe, monkeypatch):
    monkeypatch.chdir(robust_project)
