import pytest
from reports import report, tables

from gromega.evaluation.analysis import CalibrationBin
from gromega.evaluation.report.confidence import calibration_figure
from gromega.model.intervals import Share


def test_accuracies_are_drawn_over_confidence_with_their_intervals():
    bins = [
        CalibrationBin(0.3, Share(0.2, 0.1, 0.4, 50)),
        CalibrationBin(0.8, Share(0.9, 0.8, 0.95, 50)),
    ]
    plot = calibration_figure(bins).axes[0]
    curve = plot.lines[1]
    assert [float(x) for x in curve.get_xdata()] == pytest.approx([30, 80])
    assert [float(y) for y in curve.get_ydata()] == pytest.approx([20, 90])
    (bars,) = plot.collections
    ends = [float(y) for segment in bars.get_segments() for _, y in segment]
    assert ends == pytest.approx([10, 40, 80, 95])


def test_the_axes_end_above_the_largest_value():
    bins = [CalibrationBin(0.05, Share(0.1, 0.05, 0.27, 50))]
    plot = calibration_figure(bins).axes[0]
    assert plot.get_xlim() == plot.get_ylim() == (0, 30)


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
