import pytest

from gromega.evaluation.figures.crystals import crystals_figure

SUMMARY = {
    "crystals": 12, "space_groups": 2, "structure_types": 3,
    "by_space_group": {"2": 4, "225": 8}, "by_atoms": {"1": 4, "12": 8},
}  # fmt: skip


def test_groups_are_sorted_by_their_crystals():
    left, right = crystals_figure(SUMMARY).subfigs[0].axes
    assert [bar.get_height() for bar in left.patches] == [8, 4]
    assert [label.get_text() for label in left.get_xticklabels()] == ["225", "2"]
    assert sum(bar.get_height() for bar in right.patches) == 12


@pytest.mark.parametrize(("smallest", "scale"), [(4, "linear"), (1, "log")])
def test_very_different_groups_are_on_a_logarithmic_scale(smallest, scale):
    summary = {**SUMMARY, "by_space_group": {"2": smallest, "225": 30}}
    left, _ = crystals_figure(summary).subfigs[0].axes
    assert left.get_yscale() == scale


def test_rejected_files_are_shown_by_reason():
    ingest = {"files": 20, "refused": {"unreadable": 3, "duplicate": 5},
              "stated": 10, "agree": 9}  # fmt: skip
    figure = crystals_figure({**SUMMARY, "ingest": ingest})
    (plot,) = figure.subfigs[1].axes
    assert [bar.get_width() for bar in plot.patches] == [3, 5]
    assert "90.0 %" in figure.get_suptitle()
