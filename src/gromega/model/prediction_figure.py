"""The figure of a prediction: the measured PDF, its best match, the importance of r."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline

from gromega._util.plotting import style
from gromega.crystals.space_groups import class_number
from gromega.model.candidates import N_SHOWN, Candidate
from gromega.model.importance import Importance
from gromega.model.matches import Matches

_STEPS = 6
"""The drawn steps between two points of the network's grid."""
MEASURED, MATCH, AGAINST = "#333333", "#1f6fb4", "#c2571a"


def prediction_figure(
    groups: Sequence[Candidate],
    importance: Importance,
    matches: Matches | None = None,
    title: str = "",
) -> Figure:
    """Return the figure of a prediction.

    Above, it shows the measured G(r), that of the best match, and their difference;
    below, the importance of each r for the first group and the probabilities of the
    first six.
    """
    with style():
        figure = Figure(figsize=(7.2, 5.4), layout="constrained")
        grid = figure.add_gridspec(2, 2, height_ratios=(1.5, 1), width_ratios=(2, 1))
        top = figure.add_subplot(grid[0, :])
        if title:
            figure.suptitle(title, fontsize=10, x=0.01, ha="left", color="#333333")
        _draw_curves(top, importance, matches)
        windows = figure.add_subplot(grid[1, 0], sharex=top)
        _draw_importance(windows, importance, groups[0])
        _draw_probabilities(figure.add_subplot(grid[1, 1]), groups[:N_SHOWN])
    return figure


def _draw_curves(plot: Axes, importance: Importance, matches: Matches | None) -> None:
    plot.plot(
        *smooth(importance.r, importance.g), color=MEASURED, linewidth=1,
        label="measured",
    )  # fmt: skip
    if matches:
        best = matches.best[0]
        label = (
            f"{best.formula} ({best.id}, {best.number}), Rw {best.rw:.2f}, cell "
            f"{100 * best.strain:+.1f} %"
        )
        r, match = smooth(matches.r, best.g)
        plot.plot(r, match, color=MATCH, linewidth=1, label=label)
        _, measured = smooth(matches.r, matches.g)
        below = 1.2 * float(min(measured.min(), match.min()))
        difference = measured - match
        plot.plot(
            r, below - difference.max() + difference, color=AGAINST, linewidth=0.8,
            label="difference",
        )  # fmt: skip
    plot.set(xlabel="r (Å)", ylabel="G(r)")
    plot.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False,
        fontsize=8.5,
    )  # fmt: skip


def _draw_importance(plot: Axes, importance: Importance, first: Candidate) -> None:
    colors = [MATCH if value > 0 else AGAINST for value in importance.values]
    plot.bar(
        importance.centres, importance.values, 0.4 * importance.width, color=colors
    )
    plot.set(xlabel="r (Å)", ylabel="decrease of log p")
    plot.set_title(
        f"importance of r for {class_number(first.number)} {first.symbol}",
        fontsize=9, loc="left",
    )  # fmt: skip


def _draw_probabilities(plot: Axes, groups: Sequence[Candidate]) -> None:
    shown = groups[::-1]
    plot.barh(
        [f"{class_number(c.number)} {c.symbol}" for c in shown],
        [100 * c.probability for c in shown],
        color=[MATCH if c.in_set else "#a8b3bd" for c in shown],
    )
    plot.set(xlabel="probability (%)", xlim=(0, 100))
    plot.grid(visible=False, axis="y")


def smooth(r: ArrayLike, g: ArrayLike) -> tuple[NDArray[np.float64], ...]:
    """Return a curve with `_STEPS` steps for each of its own, by a cubic spline."""
    x = np.asarray(r, float)
    at = np.arange(_STEPS * (x.size - 1) + 1) / _STEPS
    fine = np.interp(at, np.arange(x.size), x)
    return fine, CubicSpline(x, np.asarray(g, float))(fine)
