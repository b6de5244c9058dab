import numpy as np

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
