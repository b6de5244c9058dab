"""A stage runs the code of its own tree, and alone."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from gromega.crystals.table import write_table
from gromega.pipeline import LOCKS, main

DVC_YAML = """\
stages:
  split:
    cmd: python -m gromega.pipeline split
    deps: [crystals.parquet, src/gromega/lake/splits.py]
    params: [split]
    outs: [data/split.parquet]
"""
SPLITS = Path("src/gromega/lake/splits.py")


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def tree(tmp_path, monkeypatch, small_table, request):
    """A tree with a copy of the code, in which the stage split can run."""
    monkeypatch.chdir(tmp_path)
    # The tests may run with a PYTHONPATH of their own, a user of DVC does not.
    monkeypatch.delenv("PYTHONPATH", raising=False)
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(request.config.rootpath / "src", "src", ignore=skip)
    Path("data").mkdir()
    write_table(small_table, Path("data/crystals.parquet"))
    Path("params.yaml").write_text("split: {test: 0.25, validation: 0.2, seed: 0}\n")
    return tmp_path


def fail(text):
    """Let the code of the workspace fail when it is imported."""
    SPLITS.write_text(f"raise ValueError({text!r})\n" + SPLITS.read_text())


def test_a_stage_runs_the_code_of_its_tree(tree):
    fail("this very tree")
    done = run(sys.executable, "-m", "gromega.pipeline", "split")
    assert done.returncode == 2
    assert "this very tree" in done.stderr


def test_an_experiment_in_the_queue_runs_the_code_it_was_queued_with(tree, monkeypatch):
    # as an editable install of the workspace does
    monkeypatch.setenv("PYTHONPATH", str(tree / "src"))
    Path("dvc.yaml").write_text(DVC_YAML.replace("crystals.p", "data/crystals.p"))
    Path(".gitignore").write_text("__pycache__/\n.work/\n")
    for command in (
        "git init -q .", "git add .", "dvc init -q", "git add .",
        "git -c user.name=a -c user.email=a@b commit -qm begin",
        "dvc exp run --queue -S split.seed=3 --name queued",
    ):  # fmt: skip
        done = run(*command.split())
        assert done.returncode == 0, done.stderr
    fail("the edited workspace")
    done = run("dvc", "exp", "run", "--run-all")
    assert done.returncode == 0, done.stderr + done.stdout
    assert run("dvc", "exp", "list", "--name-only").stdout.split() == ["queued"]


def test_a_stage_is_not_started_twice_in_a_folder(tree):
    LOCKS.mkdir(parents=True)
    with FileLock(LOCKS / "split.lock"):
        with pytest.raises(OSError, match="split"):
            main(["split"])
        assert not Path("data/split.parquet").exists()
    main(["split"])
    assert Path("data/split.parquet").is_file()
