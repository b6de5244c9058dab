import json

import numpy as np
import pytest
from releasable import CALIBRATION, SCORE, TRAINING, make_model

from gromega._util.files import sha256
from gromega.conditions import Box
from gromega.model.build_neighbours import build_neighbours
from gromega.model.calibration import Calibration
from gromega.model.io import save_model
from gromega.model.other_groups import OtherGroupFit
from gromega.registry.card import make_card, read_card, write_card
from gromega.registry.card_markdown import render

DATA = {
    "name": "Materials Project",
    "version": "v2025.02.12",
    "origin": "Inorganic crystals.",
    "licence": "CC-BY-4.0",
    "citation": "A. Jain et al. (2013)",
    "sha256": {"crystals.parquet": "0" * 64, "split.parquet": "1" * 64},
    "split": {"scheme": "random", "seed": 0},
    "crystals": {"train": 15, "validation": 3, "test": 6, "extra": 0},
    "structure_types": 3,
    "by_space_group": {
        "194": {"train": 9, "validation": 1, "test": 2},
        "225": {"train": 2, "validation": 1, "test": 2},
        "229": {"train": 4, "validation": 1, "test": 2},
    },
}
STATED = {"name": "tiny", "version": "v1.2.0", "hardware": "2 cores", "hours": 0.5}
METRICS = {
    "reference": {**SCORE, "ece": 0.041},
    "sweeps": {
        "qdamp": {"0.00": {**SCORE, "top6": 0.9}, "0.15": {**SCORE, "top6": 0.2}},
        "rmax": {"10": {**SCORE, "top6": 0.3}},
    },
}


@pytest.fixture(scope="module")
def model():
    return make_model(calibration=CALIBRATION)


@pytest.fixture
def folder(model, tmp_path):
    save_model(tmp_path / "tiny", model)
    return tmp_path / "tiny"


@pytest.fixture
def card(model):
    return make_card(STATED, model, DATA, METRICS)


def test_a_card_comes_back_as_it_was_written(card, folder):
    write_card(folder, card)
    again = read_card(folder)
    hashes = again["sha256"]
    assert again == {**card, "sha256": hashes}
    for name in ("weights.safetensors", "config.json", "CARD.md"):
        assert hashes[name] == sha256(folder / name)


def test_a_card_says_what_a_model_remembers():
    names = [f"mp-{k} NaCl" for k in range(9)]
    known = build_neighbours([[np.eye(9, 4) + 0.1]], np.arange(9) % 3, names, 3)
    card = make_card(STATED, make_model(neighbours=known), DATA, METRICS)
    assert card["network"]["memory"] == {"crystals": 9, "spread": 0.04, "weight": 0.5}
    assert "- memory: 9 crystals of the training part, spread 0.04" in render(card)


@pytest.mark.parametrize("learned", [["xray"], ["xray", "neutron"]])
def test_a_card_says_which_radiations_were_learned(learned):
    model = make_model(training={**TRAINING, "radiations": learned})
    text = render(make_card(STATED, model, DATA, METRICS))
    assert f"Radiation: {', '.join(learned)}.\n" in text


def test_same_card_is_written_as_same_bytes(card, folder):
    def written():
        write_card(folder, card)
        return [(folder / name).read_bytes() for name in ("card.json", "CARD.md")]

    assert written() == written()


def test_a_card_says_what_the_model_is_and_was_trained_on(card, model):
    assert card["space_groups"] == [194, 225, 229]
    # a model up to version 1.8 does not say what it learned, and learned both
    learned = {"radiations": ["xray", "neutron"]}
    assert card["training"] == {"samples": 450, **learned, **TRAINING}
    # Convolutions of 3 taps, dense layers, scales and shifts; no running statistics.
    assert 500 < card["network"]["parameters"] < 50_000
    assert card["calibration"] == {**CALIBRATION.to_mapping(), "ece": 0.041}
    assert card["licences"] == {"code": "BSD-3-Clause", "weights": "CC-BY-4.0"}


def test_limits_name_the_rarest_group_and_the_worst_conditions(card):
    text = "\n".join(card["limits"])
    assert "of group 225 there were 2 crystals" in text
    assert "top-6 is lowest, 20.0%, at qdamp 0.15 Å⁻¹" in text
    assert "isostructural relatives" in text


def test_a_split_by_structure_type_needs_no_warning_of_relatives(model, card):
    data = {**DATA, "split": {"scheme": "structure-type", "seed": 0}}
    limits = make_card(STATED, model, data, METRICS)["limits"]
    assert len(limits) == len(card["limits"]) - 1


def test_box_is_that_of_the_model_or_the_one_point_of_training(card):
    assert card["box"]["rmax"] == [30.0, 30.0]
    assert card["box"]["diameter"] == [None, None]
    wide = make_card(STATED, make_model(box=Box()), DATA, METRICS)
    assert wide["box"] == Box().to_mapping()
    assert wide["calibration"] is None


@pytest.mark.parametrize(
    "line",
    [
        # what it is: the title
        "# tiny v1.2.0",
        # the score at the reference, and along an axis with its unit
        "Top-1 **50.0%**, top-6 **100.0%** on 6 test crystals in 3 space groups, "
        "simulated at the reference:",
        "| 0.15 Å⁻¹ | 50.0% | 20.0% |",
        # the box: infinite where the crystal is a bulk one
        "| qmax | 23 Å⁻¹ | 23 Å⁻¹ |",
        "| diameter | ∞ Å | ∞ Å |",
        # calibration: how to read it
        "- sets that cover 90%: threshold 0.85",
        "- expected calibration error on the test crystals: 0.0410",
        # data: counts by part and by group
        "- crystals: 15 train, 3 validation, 6 test, 0 extra",
        "| 225 | Fm-3m | 2 | 1 | 2 |",
        # cost
        "- hardware: 2 cores",
        "- hours: 0.5",
        # licences
        "- weights: CC-BY-4.0",
    ],
)
def test_markdown_has_a_line_for_each_fact(card, folder, line):
    write_card(folder, card)
    text = (folder / "CARD.md").read_text("utf-8")
    assert line in text.splitlines()
    assert text == render(read_card(folder))


def test_markdown_owns_up_to_what_was_not_stated(folder):
    stated = {**STATED, "hardware": None, "hours": None}
    write_card(folder, make_card(stated, make_model(), DATA, METRICS))
    lines = (folder / "CARD.md").read_text("utf-8").splitlines()
    assert "- hardware: not stated" in lines
    assert "- hours: not stated" in lines
    assert "None: the probabilities are as the network gives them." in lines


def test_a_card_says_what_a_known_composition_is_worth(folder):
    others = OtherGroupFit(0.183, -2.75, 0.86, 3000)
    told = Calibration(0.75, {"0.90": 0.6}, "validation part, told", 3, others)
    model = make_model(calibration=CALIBRATION, calibration_with_composition=told)
    scores = {"top1": 0.75, "top6": 1.0, "n": 6, "ece": 0.02}
    rmax = {"10": {**SCORE, "top6": 0.3, "with_composition": scores}}
    metrics = {
        **METRICS, "with_composition": scores,
        "sweeps": {**METRICS["sweeps"], "rmax": rmax},
    }  # fmt: skip
    card = make_card(STATED, model, DATA, metrics)
    write_card(folder, card)
    assert read_card(folder)["calibration_with_composition"]["ece"] == 0.02
    lines = (folder / "CARD.md").read_text("utf-8").splitlines()
    assert "There, told their compositions: top-1 **75.0%**, top-6 **100.0%**." in lines
    assert "| rmax | top-1 | top-6 | told top-1 | told top-6 |" in lines
    assert "| 10 Å | 50.0% | 30.0% | 75.0% | 100.0% |" in lines
    assert "| 0.15 Å⁻¹ | 50.0% | 20.0% |" in lines
    alone, with_it = "- temperature 1.25", "- temperature 0.75"
    (doubt,) = [line for line in lines if line.startswith("- another group")]
    assert "log-odds -2.75 + 0.86 H" in doubt and "18.3%" in doubt
    said = lines.index("Told the composition:")
    assert lines.index(alone) < said < lines.index(with_it)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        # a field is missing: named
        (lambda c: c.pop("task"), "'task' is a required property"),
        # a field nobody knows: named
        (lambda c: c.update(colour="red"), "'colour' was unexpected"),
        # a version of another form: where it stands
        (lambda c: c.update(version="1.0"), r"\$\.version"),
        # an accuracy above 1: where it stands
        (
            lambda c: c["metrics"]["sweeps"]["rmax"]["10"].update(top1=1.5),
            r"sweeps\.rmax\['10'\]\.top1: 1\.5 is greater",
        ),
        # no such space group
        (lambda c: c.update(space_groups=[2, 231]), r"\$\.space_groups\[1\]"),
        # training that does not say how long
        (lambda c: c["training"].pop("epochs"), r"\$\.training: 'epochs'"),
        # another format: refused
        (lambda c: c.update(format="gromega card 2"), r"\$\.format"),
        # a count that is not a number, such as NaN: refused
        (lambda c: c.update(hours=float("nan")), "not a card"),
        # a number changed by hand: the card no longer has its own hash
        (
            lambda c: c["metrics"]["reference"].update(top1=0.99),
            "not as it was released",
        ),
    ],
)
def test_a_changed_card_is_refused(card, folder, change, message):
    write_card(folder, card)
    content = json.loads((folder / "card.json").read_text("utf-8"))
    change(content)
    (folder / "card.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_card(folder)


def test_what_is_no_card_is_refused_in_few_words(folder):
    (folder / "card.json").write_text("dear reader")
    with pytest.raises(ValueError, match="not a card"):
        read_card(folder)
    (folder / "card.json").write_text(json.dumps(["long"] * 5000))
    with pytest.raises(ValueError, match="not a card") as refusal:
        read_card(folder)
    assert len(str(refusal.value)) < 400


@pytest.mark.parametrize(
    ("change", "where"),
    [
        # a name that is none
        ({"stated": {**STATED, "name": "Tiny Model"}}, r"\$\.name"),
        # a score without a number of crystals
        ({"metrics": {**METRICS, "reference": {"top1": 0.5}}}, r"\$\.metrics\.ref"),
        # a training that says nothing
        ({"model": make_model(training={})}, r"\$\.training"),
    ],
)
def test_unfit_facts_make_no_card(model, change, where):
    facts = {
        "stated": STATED,
        "model": model,
        "data": DATA,
        "metrics": METRICS,
        **change,
    }
    with pytest.raises(ValueError, match=where):
        make_card(**facts)
