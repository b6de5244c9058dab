import json
from pathlib import Path

import numpy as np
import pytest
from releasable import (
    CALIBRATION,
    DATA,
    INFO,
    LINEAGE,
    METRICS,
    TRAINING,
    make_model,
)

from gromega._util.files import sha256
from gromega.conditions import Box
from gromega.model.build_neighbours import build_neighbours
from gromega.model.io import save_model
from gromega.registry.card import (
    check_same_files,
    make_card,
    read_card,
    write_card,
)


@pytest.fixture(scope="module")
def model():
    return make_model(calibration=CALIBRATION)


@pytest.fixture
def folder(model, tmp_path):
    save_model(tmp_path / "tiny", model)
    return tmp_path / "tiny"


@pytest.fixture
def card(model):
    return make_card(INFO, model, DATA, METRICS, LINEAGE)


def test_a_card_is_read_as_it_was_written(card, folder):
    write_card(folder, card)
    again = read_card(folder)
    hashes = again["sha256"]
    assert again == {**card, "sha256": hashes}
    for name in ("weights.safetensors", "config.json", "CARD.md"):
        assert hashes[name] == sha256(folder / name)


def test_the_same_card_is_written_as_same_bytes(card, folder):
    def written():
        write_card(folder, card)
        return [(folder / name).read_bytes() for name in ("card.json", "CARD.md")]

    assert written() == written()


def test_a_card_describes_the_model_and_its_training(card, model):
    assert card["space_groups"] == [194, 225, 229]
    # models up to v1.8 do not state their radiations, which were both
    radiations = {"radiations": ["xray", "neutron"]}
    assert card["training"] == {"samples": 450, **radiations, **TRAINING}
    # convolutions of 3 taps, dense layers, scales and shifts, no running averages
    assert 500 < card["network"]["parameters"] < 50_000
    assert card["calibration"] == {**CALIBRATION.to_mapping(), "ece": 0.041}
    assert card["licences"] == {"code": "BSD-3-Clause", "weights": "CC-BY-4.0"}


def test_the_box_is_that_of_the_model_or_the_point_of_training(card):
    assert card["box"]["rmax"] == [30.0, 30.0]
    assert card["box"]["diameter"] == [None, None]
    wide = make_card(INFO, make_model(box=Box()), DATA, METRICS, LINEAGE)
    assert wide["box"] == Box().to_mapping()
    assert wide["calibration"] is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        # a missing field
        (lambda c: c.pop("task"), "task"),
        # an unknown field
        (lambda c: c.update(colour="red"), "colour"),
        # a version of another form
        (lambda c: c.update(version="1.0"), r"\$\.version"),
        # an accuracy above 1
        (
            lambda c: c["metrics"]["sweeps"]["rmax"]["10"].update(top1=1.5),
            r"sweeps\.rmax\['10'\]\.top1",
        ),
        # no such space group
        (lambda c: c.update(space_groups=[2, 231]), r"\$\.space_groups\[1\]"),
        # training without its number of epochs
        (lambda c: c["training"].pop("epochs"), r"\$\.training.*epochs"),
        # a format of the future
        (lambda c: c.update(format="gromega card 3"), r"\$\.format"),
        # NaN, which is not JSON
        (lambda c: c.update(hours=float("nan")), r"card\.json"),
        # a number changed by hand: the card no longer has its own hash
        (lambda c: c["metrics"]["reference"].update(top1=0.99), r"card\.json"),
    ],
)
def test_a_changed_card_raises(card, folder, change, message):
    write_card(folder, card)
    content = json.loads((folder / "card.json").read_text("utf-8"))
    change(content)
    (folder / "card.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_card(folder)


def test_a_file_that_is_no_card_raises_a_short_error(folder):
    (folder / "card.json").write_text("dear reader")
    with pytest.raises(ValueError, match=r"card\.json"):
        read_card(folder)
    (folder / "card.json").write_text(json.dumps(["long"] * 5000))
    with pytest.raises(ValueError, match=r"card\.json") as raised:
        read_card(folder)
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize(
    ("change", "where"),
    [
        # a name with a space
        ({"info": {**INFO, "name": "Tiny Model"}}, r"\$\.name"),
        # a score without a number of crystals
        ({"metrics": {**METRICS, "reference": {"top1": 0.5}}}, r"\$\.metrics\.ref"),
        # a training without facts
        ({"model": make_model(training={})}, r"\$\.training"),
    ],
)
def test_facts_that_do_not_fit_the_schema_make_no_card(model, change, where):
    facts = {
        "info": INFO,
        "model": model,
        "data": DATA,
        "metrics": METRICS,
        "lineage": LINEAGE,
        **change,
    }
    with pytest.raises(ValueError, match=where):
        make_card(**facts)


def test_a_card_describes_the_neighbours():
    names = [f"mp-{k} NaCl" for k in range(9)]
    known = build_neighbours([[np.eye(9, 4) + 0.1]], np.arange(9) % 3, names, 3)
    card = make_card(INFO, make_model(neighbours=known), DATA, METRICS, LINEAGE)
    described = {"crystals": 9, "spread": 0.04, "weight": 0.5}
    assert card["network"]["neighbours"] == described


def test_the_files_of_the_training_are_known_by_their_hashes(tmp_path):
    split, table = tmp_path / "split.parquet", tmp_path / "crystals.parquet"
    split.write_text("a split")
    table.write_text("crystals")
    hashes = {file.name: sha256(file) for file in (split, table)}
    files = {"split": split, "table": table}
    check_same_files(Path("m"), hashes, files, "train again")
    table.write_text("other crystals")
    with pytest.raises(ValueError, match=r"another table than .*crystals\.parquet"):
        check_same_files(Path("m"), hashes, files, "train again")


def test_a_folder_without_a_card_raises(folder):
    with pytest.raises(FileNotFoundError, match=r"card\.json"):
        read_card(folder)
