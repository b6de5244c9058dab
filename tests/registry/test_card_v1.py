import hashlib
import json

import pytest
from releasable import CALIBRATION, DATA, INFO, LINEAGE, METRICS, make_model

from gromega.model.io import save_model
from gromega.registry.card import (
    FORMAT,
    make_card,
    read_card,
    upgrade_from_v1,
    write_card,
)
from gromega.registry.card_texts import TASK
from gromega.registry.names import FORMAT_V1


def write_v1(folder):
    """Write a card of the first format, and return the same card of the second."""
    model = make_model(calibration=CALIBRATION)
    save_model(folder, model)
    augmentation = {"augmentation.parquet": "2" * 64}
    data = {**DATA, "sha256": {**DATA["sha256"], **augmentation}}
    card = make_card(INFO, model, data, METRICS, LINEAGE)
    neighbours = {"crystals": 9, "spread": 0.04, "weight": 0.5}
    card["network"]["neighbours"] = neighbours
    write_card(folder, card)
    expected = read_card(folder)
    old = json.loads((folder / "card.json").read_text("utf-8"))
    old["format"], old["task"] = FORMAT_V1, "Rank."
    old["training"]["start"] = "../other/models/spacegroup"
    expected["training"]["start"] = "spacegroup"
    del old["lineage"], expected["lineage"]
    old["network"]["memory"] = old["network"].pop("neighbours")
    old["data"]["crystals"]["extra"] = old["data"]["crystals"].pop("augmentation")
    hashes = old["data"]["sha256"]
    hashes["extra.parquet"] = hashes.pop("augmentation.parquet")
    old["sha256"].pop("card.json")
    text = json.dumps(old, indent=2, ensure_ascii=False) + "\n"
    old["sha256"]["card.json"] = hashlib.sha256(text.encode()).hexdigest()
    (folder / "card.json").write_text(json.dumps(old), "utf-8")
    return expected


def test_a_card_of_the_first_format_is_read_as_one_of_the_second(tmp_path):
    expected = write_v1(tmp_path)
    card = read_card(tmp_path)
    assert card["format"] == FORMAT
    assert card["task"] == TASK
    expected["sha256"]["card.json"] = card["sha256"]["card.json"]
    assert card == expected


def test_a_changed_card_of_the_first_format_raises(tmp_path):
    write_v1(tmp_path)
    old = json.loads((tmp_path / "card.json").read_text("utf-8"))
    old["metrics"]["reference"]["top1"] = 0.99
    (tmp_path / "card.json").write_text(json.dumps(old), "utf-8")
    with pytest.raises(ValueError, match=r"card\.json"):
        read_card(tmp_path)


@pytest.mark.parametrize(
    "card",
    [
        # no card of the first format: unchanged
        {"format": FORMAT, "network": {"memory": 1}},
        ["not a card"],
        # blocks of other kinds: left to the schema
        {"format": FORMAT_V1, "data": [], "network": None},
    ],
)
def test_other_content_keeps_its_keys(card):
    new = upgrade_from_v1(card)
    if isinstance(card, dict):
        assert new == {**card, "format": FORMAT}
    else:
        assert new is card
