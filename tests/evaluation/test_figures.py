import json

import pytest

from gromega.conditions import AXES, REFERENCE, Box
from gromega.evaluation import paper
from gromega.evaluation.figures import save_figure, sweep_figure


def figure(name, box=None):
    axis = AXES[name]
    scores = {
        axis.key(value): {"top1": 0.5, "top6": 0.8, "n": 100} for value in axis.values
    }
    trained_at = getattr(box or Box.around(REFERENCE), name)
    return sweep_figure(axis, scores, trained_at, "a test")


def test_paper_s_curves_are_at_our_values():
    for name, axis in AXES.items():
        assert paper.SWEEPS[name]["value"] == axis.values
        at = axis.values.index(getattr(REFERENCE, name))
        for top in ("top1", "top6"):
            assert len(paper.SWEEPS[name][top]) == len(axis.values)
            assert paper.SWEEPS[name][top][at] == paper.REFERENCE[top]


def test_paper_s_values_are_those_of_its_tables(shared):
    tables = json.loads((shared / "paper" / "tables.json").read_text())
    assert tables["reference"] == paper.REFERENCE
    for name, sweep in paper.SWEEPS.items():
        for key, values in sweep.items():
            assert list(values) == tables["sweeps"][name][key]


def test_figure_shows_both_curves_and_the_training_value():
    plot = figure("qmax").axes[0]
    drawn = [line.get_xdata() for line in plot.lines]
    assert [len(x) for x in drawn] == [8, 8, 8, 8, 2]
    assert list(drawn[-1]) == [23.0, 23.0]
    assert plot.get_xlabel() == r"$Q_\mathrm{max}$ (Å⁻¹)"


def test_a_model_trained_over_a_box_shows_its_range():
    plain, boxed = figure("qdamp").axes[0], figure("qdamp", Box()).axes[0]
    assert len(boxed.lines) == len(plain.lines) - 1
    (span,) = boxed.patches
    assert (span.get_x(), span.get_width()) == pytest.approx((0.0, 0.17))
    assert boxed.get_xlim()[1] < 0.17


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_same_figure_is_written_as_same_bytes(tmp_path, kind):
    save_figure(figure("rmax"), tmp_path / "one")
    save_figure(figure("rmax"), tmp_path / "other")
    one = (tmp_path / f"one.{kind}").read_bytes()
    assert one == (tmp_path / f"other.{kind}").read_bytes()
    assert len(one) > 5000
