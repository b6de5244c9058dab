from reports import report, row, tables

from gromega.evaluation.baselines import BASELINES
from gromega.evaluation.report.content import ReportFigure


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


def test_a_map_has_a_figure_alone():
    (section,) = [s for s in report(names=("qdamp-uiso",)).sections if "Map" in s.title]
    assert [type(block) for block in section.blocks] == [ReportFigure]
