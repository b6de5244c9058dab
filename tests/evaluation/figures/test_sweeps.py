import numpy as np
import pytest

from gromega._util.plotting import save_figure
from gromega.conditions import REFERENCE, Box
from gromega.evaluation.figures.sweeps import map_figure, sweep_figure
from gromega.sweeps import AXES, BEYOND, get_axis, get_sweep


def figure(name, box=None, subsamples=None):
    axis = get_axis(name)
    scores = {
        axis.key(value): {"top1": 0.5, "top6": 0.8, "n": 100} for value in axis.values
    }
    return sweep_figure(
        axis, scores, box or Box.around(REFERENCE), "a test", subsamples
    )


def test_a_figure_shows_both_curves_and_the_training_condition():
    plot = figure("qmax").axes[0]
    drawn = [line.get_xdata() for line in plot.lines]
    assert [len(x) for x in drawn] == [8, 8, 8, 8, 2]
    assert list(drawn[-1]) == [23.0, 23.0]
    assert plot.get_xlabel() == r"$Q_\mathrm{max}$ (Å⁻¹)"


def test_a_model_trained_over_a_box_shows_its_range():
    point, boxed = figure("qdamp").axes[0], figure("qdamp", Box()).axes[0]
    assert len(boxed.lines) == len(point.lines) - 1
    (span,) = boxed.patches
    assert (span.get_x(), span.get_width()) == pytest.approx((0.0, 0.17))
    assert boxed.get_xlim()[1] < 0.17


@pytest.mark.parametrize(
    ("name", "box", "expected"),
    [
        # one condition: a line
        ("qmin", None, ["training condition"]),
        # a box: a range
        ("qmin", Box(), ["training range"]),
        # not in the box: nothing is marked
        ("radiation", Box(), []),
        ("wave", Box(), []),
    ],
)
def test_the_legend_names_the_training_if_it_is_marked(name, box, expected):
    made = figure(name, box)
    named = [text.get_text() for text in made.legends[0].get_texts()]
    assert [label for label in named if "training" in label] == expected
    plot = made.axes[0]
    assert len(plot.patches) + len(plot.lines) - 2 == len(expected)


def test_boxes_show_the_quartiles_of_the_subsamples():
    values = {"top1": np.linspace(0.4, 0.6, 101), "top6": np.linspace(0.7, 0.9, 101)}
    subsamples = {AXES["qmax"].key(value): values for value in AXES["qmax"].values}
    plot = figure("qmax", subsamples=subsamples).axes[0]
    flat = [line.get_ydata() for line in plot.lines if len(line.get_ydata()) == 5]
    assert len(flat) == 16
    lows = sorted({round(min(y), 3) for y in flat})
    assert lows == [45.0, 75.0]


@pytest.mark.parametrize("name", list(BEYOND))
@pytest.mark.parametrize("box", [None, Box()])
def test_axes_beyond_the_paper_have_no_curve_of_it(name, box):
    plot = figure(name, box).axes[0]
    curves = [line for line in plot.lines if line.get_marker() == "o"]
    assert len(curves) == 2
    assert not [line for line in plot.lines if line.get_marker() == "s"]
    labels = [label.get_text() for label in plot.get_xticklabels()]
    if name == "diameter":
        assert labels[0] == "10" and labels[-1] == "bulk"
    if name == "radiation":
        assert labels == ["x-ray", "neutron"]


def test_accuracies_with_the_composition_are_curves_of_their_own():
    axis = get_axis("uiso")
    known = {"top1": 0.6, "top6": 0.9}
    score = {"top1": 0.5, "top6": 0.8, "n": 100, "with_composition": known}
    scores = {axis.key(value): score for value in axis.values}
    plot = sweep_figure(axis, scores, Box(), "a test").axes[0]
    curves = [line.get_ydata() for line in plot.lines if line.get_marker() == "^"]
    assert sorted(y[0] for y in curves) == [60, 90]


def test_a_map_shows_each_accuracy_in_its_field():
    sweep = get_sweep("qdamp-uiso")
    scores = {
        key: {"top1": k / 100, "top6": (k + 50) / 100, "n": 9}
        for k, key in enumerate(sweep.keys())
    }
    left, right = map_figure(sweep, scores, "a test").axes
    assert [text.get_text() for text in left.texts] == [str(k) for k in range(42)]
    assert right.texts[0].get_text() == "50"
    assert left.images[0].get_array().shape == (7, 6)


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_the_same_figure_is_written_as_the_same_bytes(tmp_path, kind):
    save_figure(figure("rmax"), tmp_path / "one")
    save_figure(figure("rmax"), tmp_path / "other")
    one = (tmp_path / f"one.{kind}").read_bytes()
    assert one == (tmp_path / f"other.{kind}").read_bytes()
    assert len(one) > 5000
