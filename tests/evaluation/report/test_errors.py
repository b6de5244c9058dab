import numpy as np
import pytest
from reports import N, report, row, tables

from gromega.evaluation.report.errors import confusion_figure


def test_shares_are_of_the_true_group_in_the_order_of_the_numbers():
    # groups out of order: 225 first
    matrix = np.array([[3, 1], [0, 2]])
    plot = confusion_figure(matrix, [225, 2]).axes[0]
    shown = plot.images[0].get_array()
    np.testing.assert_allclose(shown, [[100, 0], [25, 75]])
    assert [label.get_text() for label in plot.get_yticklabels()] == ["2", "225"]


def test_a_group_without_crystals_is_empty():
    plot = confusion_figure(np.array([[0, 0], [1, 1]]), [2, 225]).axes[0]
    np.testing.assert_allclose(plot.images[0].get_array(), [[0, 0], [50, 50]])


def test_lines_separate_crystal_systems():
    # triclinic, triclinic, monoclinic, cubic
    plot = confusion_figure(np.eye(4, dtype=np.int64), [1, 2, 14, 225]).axes[0]
    x = sorted({line.get_xdata()[0] for line in plot.lines} - {0, 1})
    assert x == [1.5, 2.5]


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


def test_a_model_without_errors_has_no_confusions():
    made = report(right=N, names=())
    (confusions,) = tables(made, "confusions")
    assert confusions.rows == []
    assert tables(made)[0].rows[0][1] == "100.0 (94.0–100.0)"
