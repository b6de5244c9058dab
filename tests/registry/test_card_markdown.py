from dataclasses import replace

import pytest
from familiar import FIT
from releasable import (
    CALIBRATION,
    DATA,
    INFO,
    LINEAGE,
    METRICS,
    SCORE,
    TRAINING,
    cell_size_scores,
    make_model,
    novelty_scores,
)

from gromega.model.calibration import Calibration
from gromega.model.io import save_model
from gromega.model.other_groups import OtherGroupFit
from gromega.registry.card import make_card, read_card, render, write_card


def lines(model=None, info=INFO, metrics=METRICS):
    """Return the lines of the card of a model."""
    model = model or make_model(calibration=CALIBRATION)
    return render(make_card(info, model, DATA, metrics, LINEAGE)).splitlines()


@pytest.mark.parametrize(
    "line",
    [
        "# tiny v1.2.0",
        # along an axis, with the unit of its values
        "| 0.15 Å⁻¹ | 50.0 | 20.0 |",
        # the box, infinite for the diameter of a bulk crystal
        "| qmax | 23 Å⁻¹ | 23 Å⁻¹ |",
        "| diameter | ∞ Å | ∞ Å |",
        # the calibration
        "- 90 % prediction sets: threshold 0.85",
        "- expected calibration error on the test crystals: 0.0410",
        # the data, by part and by group
        "- crystals: 15 train, 3 validation, 6 test, 0 augmentation",
        "- structure types: 3",
        "| 225 | Fm-3m | 2 | 1 | 2 |",
        # the training and its cost
        "- recipe: small",
        "- hardware: 2 cores",
        "- hours: 0.5",
        "- weights: CC-BY-4.0",
    ],
)
def test_there_is_a_line_for_each_fact(line):
    assert line in lines()


def test_the_file_is_the_card_as_it_is_read(tmp_path):
    model = make_model(calibration=CALIBRATION)
    save_model(tmp_path, model)
    write_card(tmp_path, make_card(INFO, model, DATA, METRICS, LINEAGE))
    text = (tmp_path / "CARD.md").read_text("utf-8")
    assert text == render(read_card(tmp_path))
    assert "\n\n\n" not in text and text.endswith("`\n")


@pytest.mark.parametrize("radiations", [["xray"], ["xray", "neutron"]])
def test_the_radiations_of_the_training_are_listed(radiations):
    model = make_model(training={**TRAINING, "radiations": radiations})
    assert f"Radiation: {', '.join(radiations)}." in lines(model)


def test_missing_facts_are_marked_as_not_stated():
    found = lines(make_model(), {**INFO, "hardware": None, "hours": None})
    assert "- hardware: not stated" in found
    assert "- hours: not stated" in found
    assert found[found.index("## Calibration") + 2].startswith("None")


def test_accuracies_with_the_composition_stand_beside_the_others():
    fit = OtherGroupFit(0.183, -2.75, 0.86, 3000)
    with_composition = Calibration(0.75, {"0.90": 0.6}, "validation part", 3, fit)
    model = make_model(
        calibration=CALIBRATION, calibration_with_composition=with_composition
    )
    scores = {"top1": 0.75, "top6": 1.0, "n": 6, "ece": 0.02}
    rmax = {"10": {**SCORE, "top6": 0.3, "with_composition": scores}}
    sweeps = {**METRICS["sweeps"], "rmax": rmax}
    metrics = {**METRICS, "with_composition": scores, "sweeps": sweeps}
    found = lines(model, metrics=metrics)
    assert "With the composition: top-1 **75.0 %**, top-6 **100.0 %**." in found
    assert "| 10 Å | 50.0 | 30.0 | 75.0 | 100.0 |" in found
    assert "| 0.15 Å⁻¹ | 50.0 | 20.0 |" in found
    # one calibration after the other
    assert [line for line in found if line.startswith("- temperature")] == [
        "- temperature 1.25", "- temperature 0.75"
    ]  # fmt: skip
    (other,) = [line for line in found if "log-odds" in line]
    assert "-2.75 + 0.86 H" in other and "18.3 %" in other


def test_accuracy_by_novelty_and_both_cases_are_in_the_card(tmp_path):
    model = make_model(calibration=replace(CALIBRATION, familiarity=FIT))
    scores = {"reference": {"without_composition": novelty_scores()}}
    sizes = {"reference": cell_size_scores()}
    metrics = {**METRICS, "novelty": scores, "cell_sizes": sizes}
    found = lines(model, metrics=metrics)
    assert "## Accuracy by novelty" in found
    assert "reference, without composition:" in found
    limit = "- For 12 test crystals of new structure types, top-1 is 25.0 % at a mean "
    assert any(line.startswith(limit + "confidence of 30.0 %") for line in found)
    (row,) = [line for line in found if line.startswith("| no relative |")]
    assert [cell.strip() for cell in row.split("|")[2:4]] == ["12", "25.0"]
    assert "## Size of the primitive cell" in found
    given = ("given", "60", "75.0", "62.5", "95.0", "2.0", "12.5", "90.0", "1.8")
    assert any(
        [cell.strip() for cell in line.split("|")[1:-1]] == ["all", *given]
        for line in found
    )
    assert any("temperature 0.8; new ones: 0.1, 2; 19.0 %" in line for line in found)
    assert "## Accuracy by novelty" not in lines()
    save_model(tmp_path, model)
    write_card(tmp_path, make_card(INFO, model, DATA, metrics, LINEAGE))
    text = (tmp_path / "CARD.md").read_text("utf-8")
    assert text == render(read_card(tmp_path)) and "\n\n\n" not in text
