"""The figure of accuracy against confidence."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from gromega._util.plotting import style
from gromega.evaluation.analysis import CalibrationBin
from gromega.evaluation.figures.sweeps import COLORS


def calibration_figure(bins: Sequence[CalibrationBin]) -> Figure:
    """Return accuracy against confidence as a figure, with 95 % intervals.

    Parameters
    ----------
    bins
        The accuracies by confidence.
    """
    with style():
        figure = Figure(figsize=(4.4, 3.8), layout="constrained")
        plot = figure.add_subplot()
        plot.plot([0, 100], [0, 100], ":", color="#777777", linewidth=1.2)
        x = [100 * found.confidence for found in bins]
        y = [100 * found.accuracy.value for found in bins]
        below = [100 * (found.accuracy.value - found.accuracy.low) for found in bins]
        above = [100 * (found.accuracy.high - found.accuracy.value) for found in bins]
        plot.errorbar(
            x, y, (below, above), fmt="o-", color=COLORS["top1"], markersize=4,
            linewidth=1, capsize=2, clip_on=False,
        )  # fmt: skip
        plot.set(
            xlabel="probability of the first group (%)", ylabel="accuracy (%)",
            xlim=(0, 100), ylim=(0, 100), aspect="equal",
        )  # fmt: skip
    return figure
