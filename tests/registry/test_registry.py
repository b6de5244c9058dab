import shutil

import numpy as np
import pytest
from damage import flip
from releasable import change_json, make_model

from gromega.model.io import save_model
from gromega.registry.card import read_card, write_card
from gromega.registry.registry import find_model, list_models, verify

PULL = "dvc pull models/other.dvc"


def test_the_list_has_models_here_and_models_to_be_pulled(models):
    other, spacegroup = list_models(models)
    assert (other.name, other.card) == ("other", None)
    assert PULL in other.note
    assert spacegroup.card["version"] == "v1.0.0"
    assert spacegroup.note == ""
    assert 1_000 < spacegroup.size < 1_000_000


def test_other_files_are_not_listed(models):
    (models / "library.parquet.dvc").write_text("outs:\n- path: library.parquet\n")
    # left by an interrupted release
    shutil.copytree(models / "spacegroup", models / "spacegroup.partial")
    assert [entry.name for entry in list_models(models)] == ["other", "spacegroup"]


def test_a_damaged_model_is_listed_with_its_error(models):
    (models / "spacegroup" / "card.json").write_text("{")
    damaged = list_models(models)[1]
    assert damaged.card is None
    assert "card.json" in damaged.note


@pytest.mark.parametrize(
    ("name", "message"),
    [
        # not yet pulled: the command
        ("other", PULL),
        # unknown: the names of the released models
        ("spacegruop", "other, spacegroup"),
        # the model of the pipeline, not released
        ("current", "current"),
        # a path
        ("models/spacegroup", "models/spacegroup"),
        ("../spacegroup", "../spacegroup"),
    ],
)
def test_a_missing_model_raises(models, name, message):
    with pytest.raises((FileNotFoundError, ValueError), match=message):
        find_model(name, models)


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        # one bit of the weights
        (lambda m: flip(m / "weights.safetensors"), r"weights\.safetensors: damaged"),
        # one key of the config
        (lambda m: change_json(m / "config.json", x=1), r"config\.json: damaged"),
        # a CARD.md that differs from card.json
        (lambda m: flip(m / "CARD.md"), r"CARD\.md: damaged"),
        # a missing file
        (lambda m: (m / "weights.safetensors").unlink(), r"safetensors: missing"),
        # a value changed by hand
        (lambda m: change_json(m / "card.json", hours=0.1), r"card\.json"),
        # no JSON
        (lambda m: (m / "card.json").write_text("{"), r"card\.json"),
    ],
)
def test_damage_is_found(models, harm, named):
    harm(models / "spacegroup")
    with pytest.raises(ValueError, match=named):
        verify("spacegroup")


@pytest.mark.parametrize(
    ("more", "command"),
    [
        # in a remote of DVC
        ("", r"dvc pull --force models/spacegroup\.dvc"),
        # in git
        ("  cache: false\n", "git restore models/spacegroup"),
    ],
)
def test_the_command_that_gets_a_damaged_model_again_is_named(models, more, command):
    (models / "spacegroup.dvc").write_text("outs:\n- path: spacegroup\n" + more)
    flip(models / "spacegroup" / "weights.safetensors")
    with pytest.raises(ValueError, match=command):
        verify("spacegroup")
    shutil.rmtree(models / "spacegroup")
    with pytest.raises(FileNotFoundError, match=command.replace(" --force", "")):
        verify("spacegroup")


def test_a_model_under_the_name_of_another_raises(models):
    shutil.copytree(models / "spacegroup", models / "better")
    with pytest.raises(ValueError, match="'spacegroup'"):
        verify("better")


def test_space_groups_must_be_those_of_the_card(models):
    # two files that belong together, with the card of another model
    path = models / "spacegroup"
    card = read_card(path)
    save_model(path, make_model(groups=np.array([2, 225, 229])))
    write_card(path, card)
    with pytest.raises(ValueError, match=r"config\.json"):
        verify("spacegroup")
