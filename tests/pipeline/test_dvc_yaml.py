"""dvc.yaml names what the code of each stage imports, and no more stages."""

import json
import subprocess

import grimp
import pytest
import yaml

from gromega.params import Params, read_params
from gromega.pipeline import STAGES
from gromega.pipeline.check import CHECKED

ANY_STAGE = (
    "gromega._util",  # tools without numbers
    "gromega.params",  # values are in `params` of dvc.yaml
    "gromega.pipeline.paths",
    # Stages read no measured files; the model only has functions for them.
    "gromega.measured",
)
"""Modules on which the numbers of no stage depend."""
ONE_STAGE = {
    # Its out is the same for all valid parameters.
    "check": (
        "gromega.conditions",
        "gromega.crystals",
        "gromega.lake",
        "gromega.model",
        "gromega.networks",
        "gromega.pdf",
        "gromega.sweeps",
        "gromega.training",
    ),
    # It writes the trained weights by `save_model`, and `check_start` only
    # refuses: a change of calibration or cards retrains nothing.
    "train": ("gromega.model", "gromega.registry"),
}
"""Modules on which the numbers of one stage do not depend."""


@pytest.fixture(scope="module")
def pipeline(request):
    text = (request.config.rootpath / "dvc.yaml").read_text("utf-8")
    return yaml.safe_load(text)


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph(
        "gromega", exclude_type_checking_imports=True, cache_dir=None
    )


def is_in(module, rooms):
    return any(module == room or module.startswith(room + ".") for room in rooms)


def imports(graph, stage):
    """Return the modules that a stage imports, directly or not."""
    left_out = ANY_STAGE + ONE_STAGE.get(stage, ())
    found, waiting = set(), [f"gromega.pipeline.{stage.replace('-', '_')}"]
    while waiting:
        module = waiting.pop()
        if module not in found and not is_in(module, left_out):
            found.add(module)
            waiting += graph.find_modules_directly_imported_by(module)
    return found


def listed(pipeline, stage):
    """Return the modules and packages that a stage of dvc.yaml depends on."""
    return [
        dependency.removeprefix("src/").removesuffix(".py").replace("/", ".")
        for dependency in pipeline["stages"][stage]["deps"]
        if dependency.startswith("src/")
    ]


def test_the_stages_are_those_of_the_code(pipeline):
    assert list(pipeline["stages"]) == list(STAGES)
    for name, stage in pipeline["stages"].items():
        assert stage["cmd"] == f"python -m gromega.pipeline {name}"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_what_it_imports(pipeline, graph, stage):
    rooms = listed(pipeline, stage)
    missing = {module for module in imports(graph, stage) if not is_in(module, rooms)}
    assert missing == set()


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_no_code_that_it_does_not_import(pipeline, graph, stage):
    imported = imports(graph, stage)
    # The sweeps come from `params.sweep`, and so do not show among the imports.
    rooms = [room for room in listed(pipeline, stage) if room != "gromega.sweeps"]
    assert [r for r in rooms if not any(is_in(m, [r]) for m in imported)] == []


def test_only_the_stages_of_the_sweeps_depend_on_the_axes(pipeline, graph):
    on_axes = [name for name in STAGES if "gromega.sweeps" in listed(pipeline, name)]
    assert on_axes == ["simulate-sweep", "evaluate-sweep", "figures", "report"]
    with_params = [
        name
        for name, stage in pipeline["stages"].items()
        if "sweep" in stage.get("params", ())
    ]
    assert with_params == ["check", *on_axes]
    assert not [
        name
        for name in STAGES
        if name not in on_axes and "gromega.sweeps" in imports(graph, name)
    ]


def test_parameters_are_checked_before_any_out_is_removed(pipeline):
    assert pipeline["stages"]["check"]["params"] == sorted(
        name for name in Params.model_fields
    )
    for name, stage in pipeline["stages"].items():
        assert name == "check" or CHECKED.as_posix() in stage["deps"], name


def test_every_dependency_is_there_or_made(pipeline, request):
    root = request.config.rootpath
    made = {
        next(iter(out)) if isinstance(out, dict) else out
        for stage in pipeline["stages"].values()
        for kind in ("outs", "metrics", "plots")
        for out in stage.get(kind, ())
    }
    for name, stage in pipeline["stages"].items():
        for dependency in stage["deps"]:
            inside = [out for out in made if out.startswith(dependency + "/")]
            assert (
                dependency in made or inside or (root / dependency).exists()
                or dependency in ("${crystals.source}", "${train.start}")
            ), (name, dependency)  # fmt: skip
    params = read_params(root / "params.yaml")
    assert (root / params.crystals.source).exists()
    assert (root / params.train.start).exists()


def test_released_artifacts_say_what_they_are(pipeline):
    for name in ("spacegroup", "library"):
        assert set(pipeline["artifacts"][name]) == {
            "path", "type", "desc", "labels", "meta"
        }  # fmt: skip


def test_dvc_draws_curves_and_confusion(tmp_path, request):
    root = request.config.rootpath
    text = (root / "dvc.yaml").read_text("utf-8")
    (tmp_path / "dvc.yaml").write_text(text[text.index("\nplots:") :])
    for path, rows in {
        "curves/rmax.csv": "value,top1,top6\n10,0.5,0.7\n12,0.6,0.8\n",
        "confusion.csv": "actual,predicted\n2,2\n14,2\n",
        "training.csv": "epoch,top1,top6\n1,0.5,0.7\n",
    }.items():
        (tmp_path / "metrics" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "metrics" / path).write_text(rows)
    subprocess.run(["dvc", "init", "-q", "--no-scm"], cwd=tmp_path, check=True)
    command = ["dvc", "plots", "show", "--json"]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    data = json.loads(done.stdout)["data"]
    drawn = {path for path, plots in data.items() if plots}
    assert drawn == {
        "metrics/curves/rmax.csv", "metrics/confusion.csv", "metrics/training.csv"
    }  # fmt: skip
