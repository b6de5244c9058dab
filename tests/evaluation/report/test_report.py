"""The content of the report on a model whose predictions are known."""

from pathlib import Path

import numpy as np
import pytest
from releasable import CALIBRATION, GROUPS, make_model

from gromega.evaluation.baselines import BASELINES
from gromega.evaluation.report.content import ReportFigure, Table
from gromega.evaluation.report.facts import CrystalFacts
from gromega.evaluation.report.report import make_report
from gromega.evaluation.subsamples import subsample_rows, subsample_scores
from gromega.lake.predictions import StoredPredictions
from gromega.networks.logits import ranks
from gromega.sweeps import get_sweep

N = 60
Y = np.arange(N) % 3
FACTS = CrystalFacts(
    space_groups=GROUPS[Y],
    atoms=np.arange(N) % 12 + 1,
    isostructural=np.arange(N) % 5,
    n_train=np.array([100, 400, 900]),
    scheme="random",
    source="synthetic.yaml",
)


def log_p(right):
    """Return log-probabilities that are correct for the first crystals."""
    predicted = np.where(np.arange(N) < right, Y, (Y + 1) % 3)
    return np.log(np.full((N, 3), 0.1) + 0.7 * np.eye(3)[predicted])


def stored(right, sweep=None):
    points = len(sweep.keys()) if sweep else 1
    tiled = np.tile(log_p(right).astype(np.float32), (points, 1, 1))
    ids = np.array([f"c{k}" for k in range(N)])
    return StoredPredictions(ids, GROUPS, tiled, np.ones((points, N), bool), sweep)


def report(right=45, calibration=CALIBRATION, names=("uiso",), comparisons=()):
    model = make_model(calibration=calibration)
    predictions = {"reference": stored(right)}
    subsamples = {}
    for sweep in map(get_sweep, names):
        predictions[sweep.name] = stored(right, sweep)
        valid = np.ones(N, bool)
        for key, found, _ in predictions[sweep.name].points():
            accuracies = subsample_scores(ranks(found, Y), valid, subsample_rows(N))
            subsamples[sweep.name, key] = accuracies
    baselines = {title: log_p(12) for title, _ in BASELINES.values()}
    return make_report(model, FACTS, predictions, subsamples, baselines, comparisons)


def tables(made, words=""):
    return [
        block
        for section in made.sections
        for block in section.blocks
        if isinstance(block, Table) and words in block.caption
    ]


def row(table, name):
    (found,) = [row for row in table.rows if row[0] == name]
    return found


@pytest.fixture(scope="module")
def made():
    return report()


def test_the_summary_has_accuracies_with_their_ranges(made):
    # Wilson's interval of 45 of 60
    assert "75.0 % (62.8–84.2 %)" in made.summary
    assert "60 test crystals, random split of synthetic.yaml" in made.summary


def test_the_model_is_compared_with_every_baseline_and_the_paper(made):
    reference = tables(made)[0]
    assert row(reference, "this model")[1].startswith("75.0 (")
    for title, _ in BASELINES.values():
        assert row(reference, title)[1].startswith("20.0 (")
    assert reference.rows[-1][1:] == ["67.7", "90.2"]


def test_a_sweep_has_a_figure_and_a_row_for_each_value(made):
    (sweep,) = tables(made, "quartiles")
    assert [r[0] for r in sweep.rows] == [f"0.0{k:02}" for k in range(5, 11)]
    assert {len(r) for r in sweep.rows} == {len(sweep.head)} == {7}
    assert row(sweep, "0.008")[-2:] == ["67.7", "90.2"]
    names = [
        block.name
        for section in made.sections
        for block in section.blocks
        if isinstance(block, ReportFigure)
    ]
    assert names == ["uiso", "confusion", "calibration"]


def test_errors_are_counted_by_pair_of_groups(made):
    (confusions,) = tables(made, "confusions")
    # 15 wrong, each group for the next one
    assert [r[2] for r in confusions.rows] == ["5", "5", "5"]
    assert confusions.rows[0] == ["194 P63/mmc", "225 Fm-3m", "5", "20"]


@pytest.mark.parametrize(
    "what",
    [
        "crystal system",
        "training crystals of the same structure type",
        "size of the cell",
        "training crystals of the space group",
        "space group",
    ],
)
def test_subsets_of_the_crystals_add_up(made, what):
    (table,) = tables(made, f"Accuracy in % by {what}, ")
    assert sum(int(r[3]) for r in table.rows) == N


def test_known_symmetry_leaves_less_to_confuse(made):
    (known,) = tables(made, "known in advance")
    assert row(known, "nothing")[1].startswith("75.0 (")
    # 225 and 229 are both cubic, but differ in their lattices
    assert row(known, "all of these")[1].startswith("100.0 (")


def test_rejected_predictions_are_listed_with_those_kept(made):
    (selective,) = tables(made, "Selective accuracy")
    assert [(r[0], r[2]) for r in selective.rows] == [
        ("0 %", "60"), ("10 %", "54"), ("20 %", "48"), ("30 %", "42"), ("50 %", "30"),
        ("70 %", "18"),
    ]  # fmt: skip


def test_prediction_sets_need_a_calibration():
    assert [r[0] for r in tables(report(), "Prediction sets")[0].rows] == [
        "90 %", "95 %"
    ]  # fmt: skip
    assert tables(report(calibration=None), "Prediction sets") == []


def test_a_model_without_errors_has_no_confusions():
    made = report(right=N, names=())
    (confusions,) = tables(made, "confusions")
    assert confusions.rows == []
    assert tables(made)[0].rows[0][1] == "100.0 (94.0–100.0)"


def test_a_map_has_a_figure_alone():
    (section,) = [s for s in report(names=("qdamp-uiso",)).sections if "Map" in s.title]
    assert [type(block) for block in section.blocks] == [ReportFigure]


def test_comparisons_follow_the_reference():
    other = Table("Other.", ["point"], [["reference"]])
    assert report(comparisons=[other]).sections[1].blocks == [other]


def test_templates_are_part_of_the_package():
    folder = Path(__import__("gromega.evaluation.report", fromlist=["x"]).__file__)
    assert {p.name for p in folder.parent.glob("*.j2")} == {
        "index.html.j2", "report.md.j2"
    }  # fmt: skip
