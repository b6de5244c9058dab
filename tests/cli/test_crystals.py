import json
import math
import re
import shutil
from dataclasses import fields

import numpy as np
import pytest
from files import NICKEL
from typer.testing import CliRunner

from gromega.cli.main import app, main
from gromega.conditions import QUANTITIES, Conditions
from gromega.crystals.io.cif import read_crystal
from gromega.crystals.table import read_table
from gromega.pdf.simulate import simulate

runner = CliRunner()
OTHER = Conditions(
    rmin=1.0, rmax=9.0, qmin=1.0, qmax=20.0, qdamp=0.05, qbroad=0.02, uiso=0.01,
    delta1=0.3, delta2=0.6, diameter=40.0, noise=0.05, r_offset=0.02, r_scale=1.002,
    radiation="neutron",
)  # fmt: skip


@pytest.fixture
def cif(tmp_path):
    path = tmp_path / "nickel.cif"
    path.write_text(NICKEL)
    return path


def run(*arguments):
    result = runner.invoke(app, ["simulate", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_simulate_writes_two_columns_below_its_conditions(cif, tmp_path):
    out = tmp_path / "nickel.gr"
    assert run(cif, "--rmax", 10, "-o", out) == ""
    assert "# rmax = 10.0" in out.read_text()
    r, g = np.loadtxt(out).T
    assert r.size == 108
    near = r < 3.0
    assert r[near][g[near].argmax()] == pytest.approx(2.49, abs=0.08)


def test_every_condition_is_an_option(cif):
    options = [
        word
        for each in fields(Conditions)
        for word in (f"--{each.name.replace('_', '-')}", getattr(OTHER, each.name))
    ]
    text = run(cif, *options)
    for name in QUANTITIES:
        assert f"# {name} = {getattr(OTHER, name)}\n" in text
    g = np.loadtxt(text.splitlines())[:, 1]
    np.testing.assert_allclose(g, simulate([read_crystal(cif)], OTHER)[1][0], atol=1e-6)


def test_without_options_the_conditions_are_the_reference(cif):
    text = run(cif)
    for name, value in vars(Conditions()).items():
        assert f"# {name} = {value}\n" in text


def test_help_states_the_unit_and_the_default_of_each_condition(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    lines = run("--help").splitlines()
    for each in fields(Conditions):
        option = f"--{each.name.replace('_', '-')} "
        (line,) = [line for line in lines if option in line and "default" in line]
        default = "inf" if each.default == math.inf else each.default
        assert f"[default: {default}]" in line
        assert QUANTITIES[each.name].unit in line


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--qmax", "0.1"], "qmax"),
        (["--rmax", "5000"], "5000"),
        (["--radiation", "muon"], "'muon'"),
        (["--engine", "fft"], "'fft'"),
    ],
)
def test_values_that_are_not_allowed_are_one_line(
    cif, monkeypatch, capsys, arguments, named
):
    monkeypatch.setattr("sys.argv", ["gromega", "simulate", str(cif), *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert named in line


def test_a_peak_without_width_is_noted(cif, tmp_path):
    command = ["simulate", str(cif), "-o", str(tmp_path / "ni.gr"), "--delta2", "6.2"]
    result = runner.invoke(app, command)
    assert result.exit_code == 0
    assert re.search(r"2\.(4|5)\d Å", result.stderr)
    assert runner.invoke(app, command[:-2]).stderr == ""


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


def test_ingest_of_nothing_good_fails_and_keeps_an_earlier_table(cif, tmp_path):
    out = tmp_path / "none.parquet"
    arguments = ["ingest", str(tmp_path / "in"), "--out", str(out)]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "letter.cif").write_text("dear reader")
    refused = runner.invoke(app, arguments).exception
    assert isinstance(refused, ValueError)  # which `main` turns into status 2
    assert [path.name for path in tmp_path.glob("none.*")] == []
    shutil.copy(cif, tmp_path / "in")
    assert runner.invoke(app, arguments).exit_code == 0
    before = out.read_bytes()
    (tmp_path / "in" / cif.name).unlink()
    with pytest.raises(ValueError, match="none-quarantine"):
        app(arguments, standalone_mode=False)
    assert out.read_bytes() == before


@pytest.mark.parametrize(
    "name",
    ["x.parquet", "x.json", "x.svg", "x.png", "x-quarantine.csv"],
)
def test_ingest_replaces_no_file_of_the_user(cif, tmp_path, name):
    arguments = ["ingest", str(cif), "--out", str(tmp_path / "x.parquet")]
    (tmp_path / name).write_text("mine")
    with pytest.raises(ValueError, match=re.escape(name)):
        app(arguments, standalone_mode=False)
    assert (tmp_path / name).read_text() == "mine"
    assert runner.invoke(app, [*arguments, "--force"]).exit_code == 0
    # its own files are replaced
    assert runner.invoke(app, arguments).exit_code == 0
    assert read_table(tmp_path / "x.parquet").num_rows == 1


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
