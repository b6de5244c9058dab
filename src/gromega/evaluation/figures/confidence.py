"""The figure of accuracy against confidence."""

import math
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
        # A weak model fills a corner of 0 to 100 %.
        ends = [100 * max(found.confidence, found.accuracy.high) for found in bins]
        most = 10 * math.ceil(max(ends) / 10)
        plot.plot([0, most], [0, most], ":", color="#777777", linewidth=1.2)
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
            xlim=(0, most), ylim=(0, most), aspect="equal",
        )  # fmt: skip
    return figure
