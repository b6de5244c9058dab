import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest
from files import NICKEL
from typer.testing import CliRunner

import gromega
from gromega.cli.main import app, main

runner = CliRunner()


@pytest.fixture
def cif(tmp_path):
    path = tmp_path / "nickel.cif"
    path.write_text(NICKEL)
    return path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        # conditions that contradict one another: one line, status 2
        (["simulate", "nickel.cif", "--qmax", "0.1"], "qmax must be above qmin"),
        # a file that is not there: likewise
        (["simulate", "copper.cif"], "copper.cif: there is no such file"),
        # a folder in place of a file: said
        (["simulate", "nickel.cif", "-o", "."], "Is a directory"),
        # a collection that is not there: likewise
        (["ingest", "cifs"], "cifs does not exist"),
        # a model that is not there: likewise
        (["evaluate", "models/x", "--data", "."], "models/x"),
        # more than a matrix can hold: how much it can
        (["simulate", "nickel.cif", "--rmax", "5000"], "at most 500 Å, got 5000"),
        # a table over what it is made from, in a folder's place, under another ending
        (["ingest", "a.parquet", "--out", "a.parquet"], "--out must not be an input"),
        (["ingest", "nickel.cif", "--out", "."], "--out must name a .parquet file"),
        (["ingest", "nickel.cif", "--out", "nickel.cif"], "--out must name a"),
        (
            ["ingest", "nickel.cif", "-o", "b.parquet", "--quarantine", "b.parquet"],
            "--quarantine must name a .csv file",
        ),
        (
            ["ingest", "nickel.cif", "-o", "b.parquet", "--quarantine", "/dev/null"],
            "--quarantine must name a .csv file, got /dev/null",
        ),
        (["synthesize", "--out", "a.csv"], "--out must name a"),
        # a recipe, and what it says
        (
            ["synthesize", "-o", "b.parquet", "--recipe", "x.yaml", "--count", "2"],
            "--recipe excludes --group",
        ),
        (
            ["synthesize", "-o", "b.parquet", "--recipe", "x.yaml"],
            "x.yaml: there is no such file",
        ),
        # a report outside of a pipeline
        (["report"], "params.yaml"),
        # an engine nobody has: the engines are named
        (["simulate", "nickel.cif", "--engine", "fft"], "there is no engine 'fft'"),
        # results before a run: how to get them
        (["results"], "reference.json: there is no such file; run 'dvc repro'"),
    ],
)
def test_user_errors_are_one_line_and_status_2(
    cif, monkeypatch, capsys, arguments, message
):
    monkeypatch.chdir(cif.parent)
    Path("a.parquet").write_bytes(b"a table")
    monkeypatch.setattr("sys.argv", ["gromega", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert Path("a.parquet").read_bytes() == b"a table"
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert message in lines[0]


@pytest.mark.parametrize(
    ("raised", "status", "line"),
    [
        (KeyboardInterrupt, 130, "interrupted"),
        (MemoryError, 2, "out of memory"),
        (ModuleNotFoundError("none", name="numba"), 2, "gromega[simulate]"),
    ],
)
def test_the_end_of_a_command_is_one_line(
    cif, monkeypatch, capsys, raised, status, line
):
    def end(*_, **__):
        raise raised

    monkeypatch.setattr("gromega.pdf.simulate.simulate", end)
    monkeypatch.setattr("sys.argv", ["gromega", "simulate", str(cif)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == status
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("gromega: ") and line in said


def test_the_version_is_printed():
    found = importlib.metadata.version("gromega")
    assert runner.invoke(app, ["--version"]).stdout == f"{found}\n"
    assert gromega.__version__ == found
    assert {"read_pdf", "load_model", "__version__"} <= set(dir(gromega))


@pytest.mark.parametrize(
    "command",
    [
        "ingest",
        "synthesize",
        "evaluate",
        "simulate",
        "results",
        "verify",
        "reproduce",
        "doctor",
    ],
)
def test_help_has_an_example(command):
    result = runner.invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert f"Example: gromega {command}" in result.stdout


def test_python_names_the_extra_that_is_missing():
    program = "import sys; sys.modules['numba'] = None; from gromega import simulate"
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    line = done.stderr.splitlines()[-1]
    assert line.startswith("ModuleNotFoundError: gromega.simulate: ")
    assert "gromega[simulate]" in line
