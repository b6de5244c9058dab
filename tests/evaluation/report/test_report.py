"""The content of the report on a model whose predictions are known."""

from dataclasses import replace
from pathlib import Path

import pytest
from reports import FACTS, report

from gromega._util.files import read_json
from gromega._util.formatting import percent
from gromega.conditions import Box
from gromega.evaluation.report.content import Table
from gromega.evaluation.report.released import released_model
from gromega.evaluation.report.render import to_markdown

CURVES = Path(__file__).parents[3] / "metrics" / "released"


@pytest.fixture(scope="module")
def released():
    return released_model(CURVES, Box())


def test_the_summary_has_accuracies_with_their_ranges(made):
    # Wilson's interval of 45 of 60
    (summary,) = made.summary
    assert "75.0 % (62.8–84.2 %)" in summary
    assert "60 test crystals, random split of synthetic.yaml" in summary


def test_comparisons_follow_the_reference():
    other = Table("Other.", ["point"], [["reference"]])
    assert report(comparisons=[other]).sections[1].blocks == [other]


def test_the_released_model_comes_first(released):
    made = report(released=released)
    first, second = made.summary
    stated = read_json(CURVES.with_suffix(".json"))
    start = (
        f"Released model: at the reference, top-1 {percent(stated['top1'])} and top-6"
    )
    assert first.startswith(start)
    assert f"{stated['n']:,} real crystals" in first and "Lan et al." in first
    assert second.startswith("This run: at the reference, top-1 accuracy is 75.0 %")
    assert made.sections[0] is released.section
    assert made.sections[1].title == "This run: reference"
    lines = to_markdown(made).splitlines()
    assert lines[:5] == [f"# {made.title}", "", first, "", second]


def test_a_run_on_synthetic_crystals_is_called_a_check(released):
    words = "this run only checks the pipeline"
    assert words in report(released=released).summary[1]
    real = replace(FACTS, source="crystals.parquet")
    assert words not in report(released=released, facts=real).summary[1]
