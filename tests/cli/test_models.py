import json
import shutil
from pathlib import Path

import pytest
from releasable import change_json
from typer.testing import CliRunner

from gromega.cli.main import app, main

runner = CliRunner()
PULL = "dvc pull -r registry models/other.dvc"


@pytest.mark.usefixtures("models")
def test_list_has_a_row_for_each_model_and_a_line_for_each_missing_one():
    result = runner.invoke(app, ["models", "list"])
    assert result.exit_code == 0
    row = next(line for line in result.stdout.splitlines() if "v1.0.0" in line)
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells[:6] == ["spacegroup", "v1.0.0", "small", "3", "50.0", "100.0"]
    assert f"other: missing; get it with '{PULL}'" in result.stdout


def test_an_empty_list_names_the_command_that_releases(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "gromega models release" in runner.invoke(app, ["models", "list"]).stdout


def test_show_prints_the_card(models):
    result = runner.invoke(app, ["models", "show", "spacegroup"])
    assert result.stdout == (models / "spacegroup/CARD.md").read_text("utf-8")


@pytest.mark.usefixtures("models")
def test_verify_prints_name_version_and_groups():
    result = runner.invoke(app, ["models", "verify", "spacegroup"])
    assert result.stdout == "spacegroup v1.0.0: intact, 3 space groups\n"


def test_damage_is_one_line_and_status_2(models, monkeypatch, capsys):
    change_json(models / "spacegroup" / "config.json", x=1)
    monkeypatch.setattr("sys.argv", ["gromega", "models", "verify", "spacegroup"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "config.json" in line


def test_release_takes_the_source_of_params(models, released):
    shutil.copytree(released / "data", "data")
    Path("params.yaml").write_text("crystals:\n  source: data/synthetic.yaml\n")
    arguments = ["models", "release", "spacegroup", "--version", "v1.1.0"]
    options = ["--hardware", "2 cores", "--hours", "0.2"]
    result = runner.invoke(app, [*arguments, *options])
    assert result.exit_code == 0
    assert "dvc add models/spacegroup" in result.stdout
    card = json.loads((models / "spacegroup/card.json").read_text("utf-8"))
    assert (card["version"], card["hours"]) == ("v1.1.0", 0.2)


@pytest.mark.parametrize("command", ["list", "show", "verify", "release"])
def test_help_has_an_example(command):
    result = runner.invoke(app, ["models", command, "--help"])
    assert f"Example: gromega models {command}" in result.stdout
