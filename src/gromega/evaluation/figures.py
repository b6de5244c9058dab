"""Figures: accuracy against a condition, the paper's curve beside ours."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from gromega._util.plotting import style
from gromega.conditions import Box
from gromega.crystals.space_groups import crystal_system
from gromega.evaluation import paper
from gromega.evaluation.analysis import ReliabilityBin
from gromega.evaluation.score import WITH_COMPOSITION, Scores
from gromega.evaluation.subsamples import Subsamples
from gromega.sweeps import Axis, Sweep

COLORS = {"top6": "#1f6fb4", "top1": "#c2571a"}
NAMES = {"top6": "top-6", "top1": "top-1"}
_OUR_LINE: dict[str, Any] = {"marker": "o", "markersize": 3.5, "linewidth": 1}
_TOLD_LINE: dict[str, Any] = {
    "marker": "^", "markersize": 4, "linestyle": ":", "linewidth": 1.2
}  # fmt: skip
_THEIR_LINE: dict[str, Any] = {
    "marker": "s", "markersize": 4, "markerfacecolor": "white", "alpha": 0.6,
    "linestyle": "--", "linewidth": 1,
}  # fmt: skip


def sweep_figure(
    axis: Axis,
    scores: dict[str, Scores],
    trained_over: Box,
    caption: str,
    draws: Mapping[str, Subsamples] | None = None,
) -> Figure:
    """Return accuracy against one condition, with the training value marked.

    Parameters
    ----------
    axis
        The axis.
    scores
        The scores by value, as in ``metrics/sweeps/<axis>.json``.
    trained_over
        The conditions that the model was trained at.
    caption
        What the model was trained and tested on, for the title.
    draws
        The accuracies of random parts of the test part by value, for box plots:
        median, quartiles, whiskers of 1.5 interquartile ranges, and what is beyond.
    """
    with style():
        figure = Figure(figsize=(5.4, 3.8), layout="constrained")
        plot = figure.add_subplot()
        places, named = _places(axis, scores)
        reported = paper.PAPER_SWEEPS.get(axis.name)
        told = all(WITH_COMPOSITION in score for score in scores.values())
        for name, color in COLORS.items():
            accuracies = [100 * score[name] for score in scores.values()]
            plot.plot(places, accuracies, color=color, **_OUR_LINE)
            if told:
                better = [
                    100 * score[WITH_COMPOSITION][name] for score in scores.values()
                ]
                plot.plot(places, better, color=color, **_TOLD_LINE)
            if draws:
                boxes = [100 * np.asarray(draws[key][name]) for key in scores]
                _boxes(plot, boxes, places, color)
            if reported and not named:
                theirs = [100 * accuracy for accuracy in reported[name]]
                plot.plot(reported["value"], theirs, color=color, **_THEIR_LINE)
        if named:
            plot.set_xticks(places, [_named(key) for key in scores])
        over_a_box = _mark(plot, axis, scores, trained_over, places, named)
        plot.set(xlabel=axis.label, ylabel="accuracy (%)", ylim=(0, 100))
        plot.set_title(caption, fontsize=9, loc="left", color="#333333")
        handles = _legend(over_a_box, told, reported is not None and not named)
        figure.legend(
            handles=handles, loc="outside lower center", ncols=3,
            frameon=False, fontsize=8.5,
        )  # fmt: skip
    return figure


def map_figure(sweep: Sweep, scores: dict[str, Scores], caption: str) -> Figure:
    """Return the accuracies of a map over two conditions, a field for each point.

    Parameters
    ----------
    sweep
        The map.
    scores
        The scores by point, as in ``metrics/sweeps/<map>.json``.
    caption
        What the model was trained and tested on, for the title.
    """
    first, second = sweep.axes
    with style():
        height = 1.2 + 0.34 * len(first.values)
        width = 1.6 + 2 * 0.52 * len(second.values)
        figure = Figure(figsize=(max(width, 5.4), height + 0.4), layout="constrained")
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
                keys = [_named(axis.key(value)) for value in axis.values]
                set_ticks(range(len(keys)), keys, fontsize=8)
            plot.set(xlabel=second.label, title=f"{NAMES[name]} (%)")
            plot.grid(visible=False)
        figure.axes[0].set_ylabel(first.label)
        figure.suptitle(caption, fontsize=9, x=0.01, ha="left", color="#333333")
    return figure


def _places(axis: Axis, scores: dict[str, Scores]) -> tuple[list[float], bool]:
    """Return where the values stand, and whether they are names on an even row."""
    numeric = all(isinstance(v, int | float) and math.isfinite(v) for v in axis.values)
    if numeric:
        return [float(key) for key in scores], False
    return [float(k) for k in range(len(scores))], True


def _named(key: str) -> str:
    """Return a key as a reader likes it."""
    plain = key.lstrip("0") if key.isdigit() else key
    return {"inf": "bulk", "xray": "x-ray"}.get(plain, plain)


def _boxes(plot: Any, boxes: list[Any], places: list[float], color: str) -> None:
    gaps = np.diff(sorted(places))
    line = {"color": color, "linewidth": 0.9}
    plot.boxplot(
        boxes, positions=places, widths=0.55 * (gaps.min() if gaps.size else 1.0),
        manage_ticks=False, boxprops=line, whiskerprops=line, capprops=line,
        medianprops=line, whis=1.5, zorder=1,
        flierprops={"marker": ".", "markersize": 3, "markeredgecolor": color},
    )  # fmt: skip


def _mark(
    plot: Any,
    axis: Axis,
    scores: dict[str, Scores],
    trained_over: Box,
    places: list[float],
    named: bool,
) -> bool:
    """Mark where the model was trained; return whether over a range."""
    if axis.name == "radiation":
        return False
    low, high = getattr(trained_over, axis.name)
    if named:
        inside = [
            place
            for place, key in zip(places, scores, strict=True)
            if low <= float(key) <= high
        ]
        if not inside:
            return low < high
        low_place, high_place = min(inside), max(inside)
    else:
        low_place, high_place = low, high
    if low == high:
        plot.axvline(low_place, color="#777777", linestyle=":", linewidth=1.2)
        return False
    # As far as the box is in view.
    ends = plot.get_xlim()
    plot.axvspan(low_place, high_place, color="#777777", alpha=0.1, linewidth=0)
    plot.set_xlim(*ends)
    return True


def confusion_figure(matrix: NDArray[np.int64], groups: Sequence[int]) -> Figure:
    """Return how often each space group is taken for each, by crystal system.

    Parameters
    ----------
    matrix
        The number of crystals of each true group, by row, taken for each group.
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
        for place in np.flatnonzero(np.diff(systems)):
            for line in (plot.axhline, plot.axvline):
                line(place + 0.5, color="#999999", linewidth=0.6)
        plot.set_xticks(range(len(groups)), labels, rotation=90, fontsize=6)
        plot.set_yticks(range(len(groups)), labels, fontsize=6)
        plot.set(xlabel="taken for", ylabel="true space group")
        plot.grid(visible=False)
        bar = figure.colorbar(image, shrink=0.6, ticks=(0, 1, 3, 10, 30, 100))
        bar.set_label("share of the true group (%)")
        bar.ax.set_yticklabels(["0", "1", "3", "10", "30", "100"])
    return figure


def reliability_figure(bins: Sequence[ReliabilityBin]) -> Figure:
    """Return accuracy against confidence, with 95 % intervals."""
    with style():
        figure = Figure(figsize=(4.4, 3.8), layout="constrained")
        plot = figure.add_subplot()
        plot.plot([0, 100], [0, 100], ":", color="#777777", linewidth=1.2)
        x = [100 * found.confidence for found in bins]
        y = [100 * found.right.value for found in bins]
        below = [100 * (found.right.value - found.right.low) for found in bins]
        above = [100 * (found.right.high - found.right.value) for found in bins]
        plot.errorbar(
            x, y, (below, above), fmt="o-", color=COLORS["top1"], markersize=4,
            linewidth=1, capsize=2, clip_on=False,
        )  # fmt: skip
        plot.set(
            xlabel="confidence in the first group (%)", ylabel="accuracy (%)",
            xlim=(0, 100), ylim=(0, 100), aspect="equal",
        )  # fmt: skip
    return figure


def crystals_figure(summary: dict[str, Any]) -> Figure:
    """Return what a collection holds: crystals per group, atoms per cell, refusals.

    Parameters
    ----------
    summary
        The counts, as in ``metrics/crystals.json``.
    """
    gathering = summary.get("ingest", {})
    refused = gathering.get("refused", {})
    with style():
        figure = Figure(figsize=(7.2, 5.4 if refused else 3.4), layout="constrained")
        heights = [3, 2] if refused else [1]
        rows = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)
        left, right = rows[0, 0].subplots(1, 2, width_ratios=[3, 2])
        groups = summary["by_space_group"]
        ranked = sorted(groups, key=lambda group: -groups[group])
        left.bar(range(len(ranked)), [groups[group] for group in ranked],
                 color=COLORS["top6"], width=0.8)  # fmt: skip
        left.set(xlabel="space group", ylabel="crystals")
        left.set_xticks([], [])
        if len(ranked) <= 50:
            left.set_xticks(range(len(ranked)), ranked, rotation=90, fontsize=6.5)
        if groups[ranked[0]] > 20 * groups[ranked[-1]]:
            left.set_yscale("log")
        left.grid(axis="x", visible=False)
        atoms = [int(n) for n in summary["by_atoms"]]
        counts = list(summary["by_atoms"].values())
        edges = _edges(max(atoms))
        right.hist(atoms, edges, weights=counts, color=COLORS["top1"], rwidth=0.9)
        right.set(xlabel="atoms per cell", ylabel="crystals", xscale="log")
        right.set_xticks(*_ticks(max(atoms)))
        right.minorticks_off()
        right.grid(axis="x", visible=False)
        title = (
            f"{summary['crystals']:,} crystals, "
            f"{summary['space_groups']} space groups, "
            f"{summary['structure_types']:,} structure types"
        )
        if gathering.get("stated"):
            share = gathering["agree"] / gathering["stated"]
            title += (
                f"\nspace group as the file states: {gathering['agree']:,} of "
                f"{gathering['stated']:,} ({share:.1%})"
            )
        if refused:
            plot = rows[1, 0].subplots()
            names = sorted(refused, key=lambda name: refused[name])
            bars = plot.barh(names, [refused[name] for name in names], color="#777777")
            plot.bar_label(bars, padding=3, fontsize=9)
            plot.set(xlabel=f"refused, of {gathering['files']:,} files")
            plot.grid(axis="y", visible=False)
        figure.suptitle(title, fontsize=10, x=0.01, ha="left", color="#333333")
    return figure


def _edges(largest: int) -> list[float]:
    """Return the edges of bins of about equal width on a logarithmic axis."""
    edges = [0.5]
    while edges[-1] <= largest:
        edges.append(math.ceil(edges[-1] * 1.4) + 0.5)
    return edges


def _ticks(largest: int) -> tuple[list[int], list[str]]:
    ticks = [
        n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if n <= 1.4 * largest
    ]
    return ticks, [str(n) for n in ticks]


def _legend(over_a_box: bool, told: bool, beside_theirs: bool) -> list[Artist]:
    def line(label: str, color: str = "#555555", **kind: Any) -> Artist:
        return Line2D([], [], color=color, label=label, **kind)

    handles = [line(NAMES[name], color) for name, color in COLORS.items()]
    handles.append(line("this model", **_OUR_LINE))
    if told:
        handles.append(line("the composition known", **_TOLD_LINE))
    if beside_theirs:
        handles.append(line("Lan et al.", **_THEIR_LINE))
    trained: Artist = Line2D([], [], color="#777777", linestyle=":", label="trained at")
    if over_a_box:
        trained = Patch(color="#777777", alpha=0.1, linewidth=0, label="trained over")
    return [*handles, trained]
