import pytest

from gromega._util.files import write_json
from gromega.evaluation.plot_data import write_curve
from gromega.evaluation.results import accuracy_columns, results
from gromega.evaluation.score import flat
from gromega.sweeps import AXES

SCORE = {"top1": 0.4, "top6": 0.7, "n": 900}
KNOWN = {**SCORE, "with_composition": {"top1": 0.6, "top6": 0.9, "n": 900}}


def write_metrics(folder, score):
    write_json(folder / "reference.json", flat(score))
    write_json(folder / "train.json", {"n_train": 3240, "n_validation": 360})
    axis = AXES["qdamp"]
    points = {axis.key(value): score for value in axis.values}
    write_curve(folder / "curves" / "qdamp.csv", axis, points)


def test_cells_are_in_percent_by_point():
    headings, cells = accuracy_columns({"10": SCORE, "12": {**SCORE, "top1": 0.456}})
    assert headings == ["top-1 (%)", "top-6 (%)"]
    assert cells == {"10": ["40.0", "70.0"], "12": ["45.6", "70.0"]}


def test_columns_with_the_composition_need_every_point():
    headings, cells = accuracy_columns({"10": KNOWN, "12": KNOWN})
    assert len(headings) == 4
    assert cells["12"] == ["40.0", "70.0", "60.0", "90.0"]
    headings, cells = accuracy_columns({"10": KNOWN, "12": SCORE})
    assert len(headings) == len(cells["10"]) == 2


@pytest.mark.parametrize(
    ("score", "cells"),
    [
        (SCORE, ["0.15", "40.0", "70.0", "23.4", "57.8"]),
        (KNOWN, ["0.15", "40.0", "70.0", "60.0", "90.0", "23.4", "57.8"]),
    ],
)
def test_a_sweep_stands_beside_the_paper_s(tmp_path, score, cells):
    write_metrics(tmp_path, score)
    *_, table, _ = results(tmp_path)
    assert table.head[0] == "qdamp (Å⁻¹)"
    assert len(table.head) == len(cells)
    assert table.rows[-1] == cells


def test_lines_have_the_counts_and_the_accuracies_at_the_reference(tmp_path):
    write_metrics(tmp_path, KNOWN)
    counts, alone, with_composition, _, paper = results(tmp_path)
    assert [word for word in counts.split() if word[0].isdigit()] == [
        "3,240", "360", "900"
    ]  # fmt: skip
    for line, numbers in (
        (alone, ("40.0 %", "70.0 %")),
        (with_composition, ("60.0 %", "90.0 %")),
        (paper, ("67.7 %", "90.2 %")),
    ):
        assert all(number in line for number in numbers)


def test_the_released_model_follows_the_run(tmp_path):
    write_metrics(tmp_path, SCORE)
    write_json(tmp_path / "crystals.json", {"space_groups": 40})
    better = {"top1": 0.7, "top6": 0.9, "n": 2000}
    write_json(tmp_path / "released.json", better)
    axis = AXES["uiso"]
    points = {axis.key(value): better for value in axis.values}
    write_curve(tmp_path / "released" / "uiso.csv", axis, points)
    lines = list(results(tmp_path))
    first, second = (line for line in lines if not isinstance(line, str))
    assert first.head[0].startswith("qdamp") and second.rows[0][1] == "70.0"
    text = [line for line in lines if isinstance(line, str)]
    assert any("2.5 %" in line and "15.0 %" in line for line in text)
    assert "70.0 %" in text[-2] and "67.7 %" in text[-1]


def test_a_pipeline_that_did_not_run_has_no_results(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"reference\.json"):
        list(results(tmp_path))


def test_accuracies_among_all_groups_follow_those_of_the_benchmark(tmp_path):
    of_all = {"top1": 0.3, "top6": 0.5, "ece": 0.1, "n": 1100}
    write_metrics(tmp_path, {**KNOWN, "all_groups": of_all})
    lines = [line for line in results(tmp_path) if isinstance(line, str)]
    (line,) = [line for line in lines if "1,100" in line]
    assert "30.0 %" in line and "50.0 %" in line
    assert lines.index(line) < len(lines) - 1
