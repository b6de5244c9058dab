import importlib.metadata
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from files import NICKEL
from typer.testing import CliRunner

import gromega
from gromega.cli.main import app, main
from gromega.crystals.table import read_table
from gromega.lake.store import new_store

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


def test_verify_has_a_line_for_each_thing_and_status_1_if_one_is_wrong(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with new_store(tmp_path / "a.zarr", {}) as group:
        group.create_array("g", data=np.ones(5), dimension_names=("r",))
    whole, both = (runner.invoke(app, ["verify", *a]) for a in (["."], ["a.zarr", "x"]))
    assert (whole.exit_code, whole.stdout) == (0, "a.zarr: store, intact\n")
    assert both.exit_code == 1
    assert [line.split(": ")[0] for line in both.stdout.splitlines()] == ["a.zarr", "x"]


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


def test_doctor_prints_versions_and_engines():
    result = runner.invoke(app, ["doctor"])
    assert result.exit_code == 0
    facts = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert facts["zarr"] == importlib.metadata.version("zarr")
    assert facts["gromega"] == gromega.__version__
    assert int(facts["cores"]) >= 1
    assert facts["engines"].startswith("native")


def test_doctor_works_without_the_extras(monkeypatch):
    def version(name):
        if name != "gromega":
            raise importlib.metadata.PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr("importlib.metadata.version", version)
    monkeypatch.setitem(sys.modules, "jax", None)
    result = runner.invoke(app, ["doctor"])
    assert result.exit_code == 0
    facts = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert facts["zarr"] == "not installed"
    assert "gromega[train]" in facts["devices"]


def test_ingest_writes_table_quarantine_summary_and_picture(cif, tmp_path):
    (tmp_path / "letter.cif").write_text("dear reader")
    out = tmp_path / "mine.parquet"
    result = runner.invoke(app, ["ingest", str(tmp_path), "--out", str(out)])
    assert result.exit_code == 0
    table = read_table(out)
    assert table["id"].to_pylist() == ["nickel.cif"]
    assert table["structure_type"].to_pylist() == ["A_225_a"]
    assert "letter.cif,,unreadable" in (tmp_path / "mine-quarantine.csv").read_text()
    summary = json.loads((tmp_path / "mine.json").read_text())
    assert summary["ingest"] == {
        "files": 2,
        "accepted": 1,
        "refused": {"unreadable": 1},
        "stated": 1,
        "agree": 1,
    }
    assert (tmp_path / "mine.png").is_file()


def test_ingest_of_nothing_good_says_so(tmp_path):
    (tmp_path / "letter.cif").write_text("dear reader")
    out = tmp_path / "none.parquet"
    # of a table that was there before
    for suffix in (".json", ".svg", ".png"):
        out.with_suffix(suffix).write_text("old")
    result = runner.invoke(app, ["ingest", str(tmp_path), "--out", str(out)])
    assert result.exit_code == 0
    assert read_table(out).num_rows == 0
    assert [path.name for path in tmp_path.glob("none.*")] == ["none.parquet"]


def test_synthesize_makes_the_groups_asked_for(tmp_path):
    out = tmp_path / "made.parquet"
    arguments = ["synthesize", "--group", "225", "--group", "2", "--count", "2"]
    result = runner.invoke(app, [*arguments, "--out", str(out)])
    assert result.exit_code == 0
    assert "made.parquet: 4 crystals" in result.stdout
    assert read_table(out)["space_group"].to_pylist() == [225, 225, 2, 2]


def test_synthesize_follows_a_recipe(tmp_path):
    recipe = tmp_path / "few.yaml"
    recipe.write_text("space_groups: [225]\ncrystals_per_group: 1\nseed: 4\n")
    out = tmp_path / "made.parquet"
    arguments = ["synthesize", "--recipe", str(recipe), "--out", str(out)]
    assert runner.invoke(app, arguments).exit_code == 0
    assert read_table(out).num_rows == 1


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
