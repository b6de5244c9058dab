import json

import numpy as np
import pytest
from typer.testing import CliRunner

from gromega.cli import app, main
from gromega.conditions import AXES
from gromega.evaluation.accuracy import write_json
from gromega.lake import new_store

CIF = """\
data_nickel
_cell_length_a 3.524
_cell_length_b 3.524
_cell_length_c 3.524
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_name_H-M_alt 'F m -3 m'
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Ni1 0 0 0
"""
runner = CliRunner()


@pytest.fixture
def cif(tmp_path):
    path = tmp_path / "nickel.cif"
    path.write_text(CIF)
    return path


def test_simulate_writes_two_columns_below_its_conditions(cif, tmp_path):
    out = tmp_path / "nickel.gr"
    result = runner.invoke(app, ["simulate", str(cif), "--rmax", "10", "-o", str(out)])
    assert result.exit_code == 0
    assert "# rmax = 10.0" in out.read_text()
    r, g = np.loadtxt(out).T
    assert r.size == 108
    near = r < 3.0
    assert r[near][g[near].argmax()] == pytest.approx(2.49, abs=0.08)


def test_simulate_prints_where_no_file_is_named(cif):
    result = runner.invoke(app, ["simulate", str(cif), "--radiation", "neutron"])
    assert result.exit_code == 0
    assert "# radiation = neutron" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        # conditions that contradict one another: one line, status 2
        (["simulate", "nickel.cif", "--qmax", "0.1"], "qmax must be above qmin"),
        # a file that is not there: likewise
        (["simulate", "copper.cif"], "copper.cif: there is no such file"),
        (["verify", "x.zarr"], "x.zarr: there is no store"),
        # a folder in place of a file: said
        (["simulate", "nickel.cif", "-o", "."], "Is a directory"),
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
    monkeypatch.setattr("sys.argv", ["gromega", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert message in lines[0]


def test_verify_counts_the_numbers_of_whole_stores(tmp_path):
    with new_store(tmp_path / "a.zarr", {}) as group:
        group.create_array("g", data=np.ones(5), dimension_names=("r",))
    result = runner.invoke(app, ["verify", str(tmp_path / "a.zarr")])
    assert result.exit_code == 0
    assert "whole, 5 numbers" in result.stdout


def test_doctor_names_versions_and_engines():
    result = runner.invoke(app, ["doctor"])
    assert result.exit_code == 0
    for word in ("jax", "zarr", "cores", "engines    native"):
        assert word in result.stdout


def test_results_stand_beside_the_paper_s(tmp_path):
    write_json(tmp_path / "reference.json", {"top1": 0.5, "top6": 0.8, "n": 900})
    write_json(tmp_path / "train.json", {"n_train": 3240, "n_validation": 360})
    axis = AXES["qdamp"]
    scores = {axis.key(v): {"top1": 0.4, "top6": 0.7, "n": 900} for v in axis.values}
    write_json(tmp_path / "sweeps" / "qdamp.json", scores)
    result = runner.invoke(app, ["results", str(tmp_path)])
    assert result.exit_code == 0
    assert "3240 training, 360 validation and 900 test crystals" in result.stdout
    assert "top-1 50.0%, top-6 80.0%" in result.stdout
    row = next(line for line in result.stdout.splitlines() if "0.15" in line)
    assert [cell for cell in row.replace("│", " ").split() if "%" in cell] == [
        "40.0%",
        "70.0%",
        "23.4%",
        "57.8%",
    ]
    assert json.loads((tmp_path / "sweeps" / "qdamp.json").read_text()) == scores


@pytest.mark.parametrize("command", ["simulate", "results", "verify", "doctor"])
def test_help_has_an_example(command):
    result = runner.invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert f"Example: gromega {command}" in result.stdout
