"""Figures: accuracy against a condition, the paper's curve beside ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gromega.conditions import Axis
from gromega.evaluation import paper
from gromega.evaluation.accuracy import Scores

COLORS = {"top6": "#1f6fb4", "top1": "#c2571a"}
NAMES = {"top6": "top-6", "top1": "top-1"}
_STYLE: Any = {
    "svg.hashsalt": "gromega",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
}


@contextmanager
def _style() -> Iterator[None]:
    """Draw alike whatever the user's own matplotlibrc says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def sweep_figure(
    axis: Axis, scores: dict[str, Scores], trained_at: float, caption: str
) -> Figure:
    """Return accuracy against one condition, with the training value marked.

    Parameters
    ----------
    axis
        The axis.
    scores
        The scores by value, as in ``metrics/sweeps/<axis>.json``.
    trained_at
        The value that the model was trained at.
    caption
        What the model was trained and tested on, for the title.
    """
    with _style():
        figure = Figure(figsize=(5.4, 3.8), layout="constrained")
        plot = figure.add_subplot()
        values = [float(key) for key in scores]
        for name, color in COLORS.items():
            accuracies = [100 * score[name] for score in scores.values()]
            plot.plot(values, accuracies, "o-", color=color, markersize=5)
            reported = paper.SWEEPS[axis.name]
            theirs = [100 * accuracy for accuracy in reported[name]]
            plot.plot(
                reported["value"], theirs, "s--", color=color,
                markersize=4, markerfacecolor="white", alpha=0.6, linewidth=1,
            )  # fmt: skip
        plot.axvline(trained_at, color="#777777", linestyle=":", linewidth=1.2)
        plot.set(xlabel=axis.label, ylabel="accuracy (%)", ylim=(0, 100))
        plot.set_title(caption, fontsize=9, loc="left", color="#333333")
        figure.legend(
            handles=_legend(), loc="outside lower center", ncols=3, frameon=False,
            fontsize=8.5,
        )  # fmt: skip
    return figure


def _legend() -> list[Line2D]:
    lines = [
        Line2D([], [], color=color, marker="o", label=f"{NAMES[name]}, this model")
        for name, color in COLORS.items()
    ]
    theirs = [
        Line2D([], [], color=color, marker="s", linestyle="--", linewidth=1, alpha=0.6,
               markerfacecolor="white", label=f"{NAMES[name]}, Lan et al.")
        for name, color in COLORS.items()
    ]  # fmt: skip
    trained = Line2D([], [], color="#777777", linestyle=":", label="trained at")
    return [*lines, *theirs, trained]


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as SVG and PNG, the same bytes for the same figure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata: dict[str, dict[str, Any]] = {
        "svg": {"Date": None, "Creator": None},
        "png": {"Software": None},
    }
    with _style():
        for kind, values in metadata.items():
            figure.savefig(path.with_suffix(f".{kind}"), dpi=160, metadata=values)
