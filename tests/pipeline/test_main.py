"""Errors of stages are one line; nothing half-written stays."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gromega._util.progress import run_or_explain
from gromega.crystals.table import write_table
from gromega.pipeline import STAGES, UNFINISHED, main


def explained(capsys, *arguments):
    """Run a stage as the command does; return its exit status and its one line."""
    with pytest.raises(SystemExit) as stop:
        run_or_explain(lambda: main(list(arguments)))
    (line,) = capsys.readouterr().err.strip().splitlines()
    return stop.value.code, line


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    ("section", "values", "value"),
    [
        ("split", {"scheme": "fair"}, "'fair'"),
        ("sweep", {"param": "rmx"}, "'rmx'"),
        # a point of a sweep that is not allowed, or that the spectra do not reach
        ("reference", {"qmin": 13}, "qmax 12"),
        ("spectra", {"dmax": 30.0}, "30 Å"),
    ],
)
def test_every_stage_checks_all_parameters(
    new_project, capsys, stage, section, values, value
):
    # Otherwise a typo would be found after hours of training.
    new_project(**{section: values})
    status, line = explained(capsys, stage)
    assert status == 2
    assert line.startswith("gromega: ")
    assert section in line and value in line
    assert sorted(path.name for path in Path().iterdir()) == ["data", "params.yaml"]


@pytest.mark.parametrize("arguments", [["crystal"], [], ["split", "train"]])
def test_another_stage_is_refused(arguments):
    with pytest.raises(ValueError, match="crystals, split, spectra"):
        main(arguments)


@pytest.mark.parametrize("stage", ["split", "spectra", "simulate", "evaluate"])
def test_a_stage_without_its_inputs_names_them(new_project, capsys, stage):
    new_project()
    status, line = explained(capsys, stage)
    assert status == 2
    assert "data/" in line or "models/" in line


def test_an_interrupted_stage_is_one_line_and_leaves_nothing(
    new_project, monkeypatch, small_table, capsys
):
    new_project()
    write_table(small_table, Path("data/crystals.parquet"))

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("gromega.lake.spectra.spectra_of", interrupt)
    status, line = explained(capsys, "spectra")
    assert status == 130
    assert line.startswith("gromega: interrupted")
    assert [path.name for path in Path("data").iterdir()] == ["crystals.parquet"]


def test_a_killed_stage_leaves_nothing_in_data_and_the_next_stage_removes_the_rest(
    new_project, small_table
):
    new_project()
    write_table(small_table, Path("data/crystals.parquet"))
    kill = (
        "import os, signal\n"
        "import gromega.lake.spectra as spectra\n"
        "from gromega.pipeline import main\n"
        "spectra.spectra_of = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "main(['spectra'])\n"
    )
    killed = subprocess.run([sys.executable, "-c", kill], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert [path.name for path in Path("data").iterdir()] == ["crystals.parquet"]
    # condition: a half-written store was there to be removed
    assert list(UNFINISHED.rglob("zarr.json"))
    main(["check"])
    assert list(UNFINISHED.iterdir()) == []


def test_outputs_do_not_depend_on_the_place(project):
    marks = [str(project).encode(), str(Path.home()).encode() + b"/"]
    for path in project.rglob("*"):
        if path.is_file() and "crystals.parquet" not in path.name:
            content = path.read_bytes()
            assert not any(mark in content for mark in marks), path


@pytest.mark.parametrize(
    ("stage", "names"),
    [
        ("crystals", ["data/crystals.parquet", "metrics/crystals.json"]),
        ("split", ["data/split.parquet"]),
        ("simulate", ["data/reference.zarr/g/c/0/0"]),
        ("evaluate", ["metrics/reference.json", "metrics/confusion.csv"]),
        ("figures", ["metrics/figures/uiso.svg"]),
    ],
)
def test_a_stage_run_again_writes_the_same_bytes(inside, run, stage, names):
    before = {name: Path(name).read_bytes() for name in names}
    run(stage)
    assert {name: Path(name).read_bytes() for name in names} == before
