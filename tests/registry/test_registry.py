import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from releasable import change_json, make_model, write_pipeline
from typer.testing import CliRunner

from gromega.cli.main import app, main
from gromega.model.io import save_model
from gromega.registry.card import read_card, write_card
from gromega.registry.registry import find_model, list_models, verify
from gromega.registry.release import Statement, release

runner = CliRunner()
PULL = "dvc pull -r registry models/other.dvc"


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    folder = tmp_path_factory.mktemp("released")
    write_pipeline(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        release(Statement("spacegroup", "v1.0.0"))
    return folder


@pytest.fixture
def models(released, tmp_path, monkeypatch):
    """A current folder with one released model and one still to be pulled."""
    shutil.copytree(released / "models", tmp_path / "models")
    (tmp_path / "models" / "other.dvc").write_text("outs:\n- path: other\n")
    monkeypatch.chdir(tmp_path)
    return Path("models")


def test_list_has_what_is_here_and_what_can_be_pulled(models):
    other, spacegroup = list_models(models)
    assert (other.name, other.card) == ("other", None)
    assert PULL in other.note
    assert spacegroup.card["version"] == "v1.0.0"
    assert spacegroup.note == ""
    assert 1_000 < spacegroup.size < 1_000_000


def test_list_leaves_out_what_is_no_model(models):
    (models / "library.parquet.dvc").write_text("outs:\n- path: library.parquet\n")
    # as a release leaves it that was killed
    shutil.copytree(models / "spacegroup", models / "spacegroup.partial")
    assert [listed.name for listed in list_models(models)] == ["other", "spacegroup"]


def test_list_says_which_model_is_damaged(models):
    (models / "spacegroup" / "card.json").write_text("{")
    damaged = list_models(models)[1]
    assert damaged.card is None
    assert "not a card" in damaged.note


@pytest.mark.parametrize(
    ("name", "message"),
    [
        # a model still to be pulled: how to get it
        ("other", PULL),
        # a model nobody has: which there are
        ("spacegruop", "the released models are: other, spacegroup"),
        # the model of the pipeline was not released: likewise
        ("current", "no released model 'current'"),
        # a path: refused
        ("models/spacegroup", "lower-case letters"),
        ("../spacegroup", "lower-case letters"),
    ],
)
def test_a_model_that_is_not_here_is_explained(models, name, message):
    with pytest.raises((FileNotFoundError, ValueError), match=message):
        find_model(name, models)


def flip(path):
    """Flip one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        # one bit of the weights: which file, and what to do
        (lambda m: flip(m / "weights.safetensors"), r"weights\.safetensors: damaged; "),
        # one number of the config: likewise
        (lambda m: change_json(m / "config.json", x=1), r"config\.json: damaged; "),
        # a card to read that says something else than card.json
        (lambda m: flip(m / "CARD.md"), r"CARD\.md: damaged; "),
        # a file that is gone
        (lambda m: (m / "weights.safetensors").unlink(), r"safetensors: missing; "),
        # a better score, written by hand
        (lambda m: change_json(m / "card.json", hours=0.1), "not as it was released"),
        # no JSON
        (lambda m: (m / "card.json").write_text("{"), "not a card"),
    ],
)
def test_damage_is_one_line_and_status_2(models, monkeypatch, capsys, harm, message):
    harm(models / "spacegroup")
    monkeypatch.setattr("sys.argv", ["gromega", "models", "verify", "spacegroup"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    with pytest.raises(ValueError, match=message):
        verify("spacegroup")


def test_damage_of_a_tracked_model_is_mended_by_a_pull(models):
    (models / "spacegroup.dvc").write_text("outs:\n- path: spacegroup\n")
    flip(models / "spacegroup" / "weights.safetensors")
    with pytest.raises(
        ValueError, match=r"dvc pull --force -r registry models/spacegroup\.dvc"
    ):
        verify("spacegroup")


def test_a_model_under_the_name_of_another_is_refused(models):
    shutil.copytree(models / "spacegroup", models / "better")
    with pytest.raises(ValueError, match="its card is that of the model 'spacegroup'"):
        verify("better")


def test_outputs_must_be_the_groups_of_the_card(models):
    # A model whose two files fit each other, sealed with the card of another.
    path = models / "spacegroup"
    card = read_card(path)
    save_model(path, make_model(groups=np.array([2, 225, 229])))
    write_card(path, card)
    with pytest.raises(ValueError, match="are not those of config"):
        verify("spacegroup")


def test_commands_list_show_and_verify(models):
    result = runner.invoke(app, ["models", "list"])
    assert result.exit_code == 0
    row = next(line for line in result.stdout.splitlines() if "v1.0.0" in line)
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells[:6] == ["spacegroup", "v1.0.0", "small", "3", "50.0%", "100.0%"]
    assert PULL in result.stdout
    result = runner.invoke(app, ["models", "show", "spacegroup"])
    assert result.stdout == (models / "spacegroup/CARD.md").read_text("utf-8")
    result = runner.invoke(app, ["models", "verify", "spacegroup"])
    assert result.stdout == "spacegroup v1.0.0: whole, 3 space groups\n"


def test_an_empty_list_says_how_to_fill_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = runner.invoke(app, ["models", "list"])
    assert "gromega models release" in result.stdout


def test_command_releases_by_the_source_of_params(models, released):
    shutil.copytree(released / "data", "data")
    Path("params.yaml").write_text("crystals:\n  source: data/synthetic.yaml\n")
    arguments = ["models", "release", "spacegroup", "--version", "v1.1.0"]
    options = ["--hardware", "2 cores", "--hours", "0.2"]
    result = runner.invoke(app, [*arguments, *options])
    assert result.exit_code == 0
    assert "models/spacegroup: v1.1.0" in result.stdout
    card = json.loads((models / "spacegroup/card.json").read_text("utf-8"))
    assert (card["version"], card["hours"]) == ("v1.1.0", 0.2)


@pytest.mark.parametrize("command", ["list", "show", "verify", "release"])
def test_help_has_an_example(command):
    result = runner.invoke(app, ["models", command, "--help"])
    assert f"Example: gromega models {command}" in result.stdout
