"""Figures of accuracy along a condition, with the paper's curve, and over two."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gromega._util.plotting import style
from gromega.conditions import NUMERIC_FIELDS, Box
from gromega.evaluation import paper
from gromega.evaluation.score import WITH_COMPOSITION, Scores
from gromega.evaluation.subsamples import Subsamples
from gromega.sweeps import Axis, Sweep

COLORS = {"top6": "#1f6fb4", "top1": "#c2571a"}
NAMES = {"top6": "top-6", "top1": "top-1"}
_MODEL_LINE: dict[str, Any] = {"marker": "o", "markersize": 3.5, "linewidth": 1}
_COMPOSITION_LINE: dict[str, Any] = {
    "marker": "^", "markersize": 4, "linestyle": ":", "linewidth": 1.2
}  # fmt: skip
_PAPER_LINE: dict[str, Any] = {
    "marker": "s", "markersize": 4, "markerfacecolor": "white", "alpha": 0.6,
    "linestyle": "--", "linewidth": 1,
}  # fmt: skip


def sweep_figure(
    axis: Axis,
    scores: dict[str, Scores],
    trained_over: Box,
    title: str,
    subsamples: Mapping[str, Subsamples] | None = None,
) -> Figure:
    """Return accuracy against one condition as a figure, its training range marked.

    The scores are by key of the value. Accuracies of subsamples by value are drawn as
    box plots: median, quartiles, whiskers of 1.5 interquartile ranges, outliers.
    """
    with style():
        figure = Figure(figsize=(5.4, 3.8), layout="constrained")
        plot = figure.add_subplot()
        numeric = _is_numeric(axis)
        # Names, and a bulk crystal's infinite diameter, stand in an even row.
        x = [float(key) if numeric else float(k) for k, key in enumerate(scores)]
        reported = paper.PAPER_SWEEPS.get(axis.name) if numeric else None
        with_composition = all(WITH_COMPOSITION in score for score in scores.values())
        for name, color in COLORS.items():
            accuracies = [100 * score[name] for score in scores.values()]
            plot.plot(x, accuracies, color=color, **_MODEL_LINE)
            if with_composition:
                known = [score[WITH_COMPOSITION] for score in scores.values()]
                accuracies = [100 * score[name] for score in known]
                plot.plot(x, accuracies, color=color, **_COMPOSITION_LINE)
            if subsamples:
                boxes = [100 * np.asarray(subsamples[key][name]) for key in scores]
                _draw_boxes(plot, boxes, x, color)
            if reported:
                accuracies = [100 * accuracy for accuracy in reported[name]]
                plot.plot(reported["value"], accuracies, color=color, **_PAPER_LINE)
        if not numeric:
            plot.set_xticks(x, [_readable(key) for key in scores])
        x_of = dict(zip(scores, x, strict=True))
        training = _mark_training(plot, axis, x_of, trained_over)
        plot.set(xlabel=axis.label, ylabel="accuracy (%)", ylim=(0, 100))
        plot.set_title(title, fontsize=9, loc="left", color="#333333")
        figure.legend(
            handles=_legend(training, with_composition, reported is not None),
            loc="outside lower center", ncols=3, frameon=False, fontsize=8.5,
        )  # fmt: skip
    return figure


def map_figure(sweep: Sweep, scores: dict[str, Scores], title: str) -> Figure:
    """Return the accuracies of a map over two conditions as two coloured tables."""
    first, second = sweep.axes
    with style():
        height = 1.6 + 0.34 * len(first.values)
        width = 1.6 + 2 * 0.52 * len(second.values)
        figure = Figure(figsize=(max(width, 5.4), height), layout="constrained")
        plots = figure.subplots(1, 2, sharey=True)
        for plot, name in zip(plots, ("top1", "top6"), strict=True):
            found = [100 * score[name] for score in scores.values()]
            field = np.reshape(found, sweep.shape)
            plot.imshow(field, cmap="viridis", vmin=0, vmax=100, aspect="auto")
            for (i, j), accuracy in np.ndenumerate(field):
                shade = "black" if accuracy > 60 else "white"
                plot.text(
                    j, i, f"{accuracy:.0f}", ha="center", va="center", color=shade,
                    fontsize=8,
                )  # fmt: skip
            for set_ticks, axis in (
                (plot.set_xticks, second), (plot.set_yticks, first)
            ):  # fmt: skip
                labels = [_readable(axis.key(value)) for value in axis.values]
                set_ticks(range(len(labels)), labels, fontsize=8)
            plot.set(xlabel=second.label, title=f"{NAMES[name]} (%)")
            plot.grid(visible=False)
        figure.axes[0].set_ylabel(first.label)
        figure.suptitle(title, fontsize=9, x=0.01, ha="left", color="#333333")
    return figure


def _is_numeric(axis: Axis) -> bool:
    return all(isinstance(v, int | float) and math.isfinite(v) for v in axis.values)


def _readable(key: str) -> str:
    """Return the key of a value as a label."""
    text = key.lstrip("0") if key.isdigit() else key
    return {"inf": "bulk", "xray": "x-ray"}.get(text, text)


def _draw_boxes(plot: Any, boxes: list[Any], x: list[float], color: str) -> None:
    gaps = np.diff(sorted(x))
    line = {"color": color, "linewidth": 0.9}
    plot.boxplot(
        boxes, positions=x, widths=0.55 * (gaps.min() if gaps.size else 1.0),
        manage_ticks=False, boxprops=line, whiskerprops=line, capprops=line,
        medianprops=line, whis=1.5, zorder=1,
        flierprops={"marker": ".", "markersize": 3, "markeredgecolor": color},
    )  # fmt: skip


def _mark_training(
    plot: Any, axis: Axis, x_of: Mapping[str, float], trained_over: Box
) -> list[Artist]:
    """Mark the training, with x by key of a value; return what the legend shows."""
    if axis.name not in NUMERIC_FIELDS:
        # The radiation, and defects, are not in the box.
        return []
    low, high = getattr(trained_over, axis.name)
    is_range = low < high
    if not _is_numeric(axis):
        inside = [x for key, x in x_of.items() if low <= float(key) <= high]
        if not inside:
            return []
        low, high = min(inside), max(inside)
    line: dict[str, Any] = {"color": "#777777", "linestyle": ":"}
    if not is_range:
        plot.axvline(low, linewidth=1.2, **line)
        return [Line2D([], [], label="training condition", **line)]
    # The limits stay: the range may exceed the values of the axis.
    limits = plot.get_xlim()
    span = plot.axvspan(
        low, high, color="#777777", alpha=0.1, linewidth=0, label="training range"
    )
    plot.set_xlim(*limits)
    return [span]


def _legend(
    training: list[Artist], with_composition: bool, with_paper: bool
) -> list[Artist]:
    def line(label: str, color: str = "#555555", **kind: Any) -> Artist:
        return Line2D([], [], color=color, label=label, **kind)

    handles = [line(NAMES[name], color) for name, color in COLORS.items()]
    handles.append(line("this model", **_MODEL_LINE))
    if with_composition:
        handles.append(line("with the composition", **_COMPOSITION_LINE))
    if with_paper:
        handles.append(line("Lan et al.", **_PAPER_LINE))
    return [*handles, *training]
