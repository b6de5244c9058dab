"""A new axis is one entry in sweeps.py, and retrains nothing."""

import json
import shutil
import subprocess

import pytest
import yaml

SWEEP_STAGES = [
    "evaluate-released", "evaluate-sweep", "figures", "report", "simulate-sweep"
]  # fmt: skip


def dvc(folder, *words):
    command = ["dvc", *words]
    return subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True
    ).stdout


def outs_of(stage):
    outs = [
        each for kind in ("outs", "metrics", "plots") for each in stage.get(kind, [])
    ]
    return [next(iter(out)) if isinstance(out, dict) else out for out in outs]


@pytest.fixture(scope="module")
def project(tmp_path_factory, request):
    """A copy of the project in which every stage seems to have run."""
    root, folder = request.config.rootpath, tmp_path_factory.mktemp("project")
    for name in ("dvc.yaml", "params.yaml", ".dvcignore"):
        shutil.copy(root / name, folder / name)
    # With the compiled files of this run: they must not count.
    shutil.copytree(root / "src", folder / "src")
    for name in ("data/synthetic.yaml", "models/random.yaml"):
        (folder / name).parent.mkdir()
        shutil.copy(root / name, folder / name)
    for stage in yaml.safe_load((root / "dvc.yaml").read_text())["stages"].values():
        for out in outs_of(stage):
            path = folder / out
            if not path.suffix:
                path /= "content"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("made")
    (folder / "models/spacegroup").mkdir(parents=True)
    (folder / "models/spacegroup/config.json").write_text("released")
    dvc(folder, "init", "-q", "--no-scm")
    dvc(folder, "commit", "-q", "-f")
    assert stale(folder) == []
    return folder


def stale(folder):
    """Return the stages that `dvc repro` would run.

    The out of the stage check is the same for all parameters that are allowed.
    """
    stages = yaml.safe_load((folder / "dvc.yaml").read_text())["stages"]
    found = set(json.loads(dvc(folder, "status", "--json")))

    def follows(name):
        return any(
            f"{dependency}/".startswith(f"{out}/") or out.startswith(f"{dependency}/")
            for before in found - {"check"}
            for out in outs_of(stages[before])
            for dependency in stages[name]["deps"]
        )

    while more := {name for name in stages if follows(name)} - found:
        found |= more
    return sorted(found)


@pytest.fixture
def edit(project):
    """Return a function that edits a file; the file is restored after the test."""
    before = {}

    def edit_file(name, old, new):
        text = before.setdefault(project / name, (project / name).read_text("utf-8"))
        assert text.count(old) == 1
        (project / name).write_text(text.replace(old, new), "utf-8")

    yield edit_file
    for path, text in before.items():
        path.write_text(text, "utf-8")


def test_a_new_axis_is_one_entry_and_retrains_nothing(project, edit):
    start = "BEYOND = _by_name(\n"
    entry = '    Axis("delta1", (0.0, 0.5, 1.0), 1),\n'
    edit("src/gromega/sweeps.py", start, start + entry)
    assert stale(project) == SWEEP_STAGES


def test_other_axes_retrain_nothing(project, edit):
    edit("params.yaml", "param: all", "param: beyond")
    of_this_model = [name for name in SWEEP_STAGES if name != "evaluate-released"]
    assert stale(project) == ["check", *of_this_model]


def test_another_learning_rate_keeps_the_data(project, edit):
    edit("params.yaml", "rate: 1.0", "rate: 0.5")
    assert stale(project) == [
        "calibrate", "check", "evaluate", "evaluate-novelty", "evaluate-sweep",
        "figures", "report", "train",
    ]  # fmt: skip


def test_compiled_and_temporary_files_count_for_nothing(project):
    room = project / "src/gromega/training"
    for name in ("__pycache__/loop.cpython-311.pyc", "loop.pyc", "loop.py~"):
        (room / name).parent.mkdir(exist_ok=True)
        (room / name).write_bytes(b"changed")
    assert stale(project) == []
