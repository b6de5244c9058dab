"""The figure of predicted against true space groups."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gromega._util.plotting import style
from gromega.crystals.space_groups import crystal_system


def confusion_figure(matrix: NDArray[np.int64], groups: Sequence[int]) -> Figure:
    """Return the confusion matrix as a figure, with lines between crystal systems.

    Parameters
    ----------
    matrix
        The numbers of crystals by true (row) and predicted (column) group,
        (n_groups, n_groups).
    groups
        The space groups, in the order of the matrix.
    """
    order = np.argsort(groups, kind="stable")
    labels = [str(groups[k]) for k in order]
    shares = (
        matrix[np.ix_(order, order)] / np.maximum(matrix.sum(axis=1), 1)[order, None]
    )
    with style():
        size = max(3.6, 0.155 * len(groups))
        figure = Figure(figsize=(size + 0.9, size), layout="constrained")
        plot = figure.add_subplot()
        image = plot.imshow(100 * shares, cmap="Blues", norm="asinh", vmin=0, vmax=100)
        systems = crystal_system(np.sort(groups))
        for last in np.flatnonzero(np.diff(systems)):
            for line in (plot.axhline, plot.axvline):
                line(last + 0.5, color="#999999", linewidth=0.6)
        plot.set_xticks(range(len(groups)), labels, rotation=90, fontsize=6)
        plot.set_yticks(range(len(groups)), labels, fontsize=6)
        plot.set(xlabel="predicted space group", ylabel="true space group")
        plot.grid(visible=False)
        bar = figure.colorbar(image, shrink=0.6, ticks=(0, 1, 3, 10, 30, 100))
        bar.set_label("share of the true group (%)")
        bar.ax.set_yticklabels(["0", "1", "3", "10", "30", "100"])
    return figure
