"""The figure of a collection of crystals."""

import math
from typing import Any

from matplotlib.figure import Figure

from gromega._util.formatting import percent
from gromega._util.plotting import style
from gromega.evaluation.figures.sweeps import COLORS


def crystals_figure(summary: dict[str, Any]) -> Figure:
    """Return a figure of ``data/crystals.json``: groups, atoms, rejected files."""
    ingest = summary.get("ingest", {})
    rejected = ingest.get("refused", {})
    with style():
        figure = Figure(figsize=(7.2, 5.4 if rejected else 3.4), layout="constrained")
        heights = [3, 2] if rejected else [1]
        rows = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)
        left, right = rows[0, 0].subplots(1, 2, width_ratios=[3, 2])
        groups = summary["by_space_group"]
        ranked = sorted(groups, key=lambda group: -groups[group])
        counts = [groups[group] for group in ranked]
        left.bar(range(len(ranked)), counts, color=COLORS["top6"], width=0.8)
        left.set(xlabel="space group", ylabel="crystals")
        left.set_xticks([], [])
        if len(ranked) <= 50:
            left.set_xticks(range(len(ranked)), ranked, rotation=90, fontsize=6.5)
        if groups[ranked[0]] > 20 * groups[ranked[-1]]:
            left.set_yscale("log")
        left.grid(axis="x", visible=False)
        atoms = [int(n) for n in summary["by_atoms"]]
        counts = list(summary["by_atoms"].values())
        # Bins of about equal width on a logarithmic axis.
        edges = [0.5]
        while edges[-1] <= max(atoms):
            edges.append(math.ceil(edges[-1] * 1.4) + 0.5)
        right.hist(atoms, edges, weights=counts, color=COLORS["top1"], rwidth=0.9)
        right.set(xlabel="atoms per cell", ylabel="crystals", xscale="log")
        decades = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
        ticks = [n for n in decades if n <= 1.4 * max(atoms)]
        right.set_xticks(ticks, [str(n) for n in ticks])
        right.minorticks_off()
        right.grid(axis="x", visible=False)
        title = (
            f"{summary['crystals']:,} crystals, "
            f"{summary['space_groups']} space groups, "
            f"{summary['structure_types']:,} structure types"
        )
        if ingest.get("stated"):
            share = ingest["agree"] / ingest["stated"]
            title += (
                f"\nspace group as stated in the file: {ingest['agree']:,} of "
                f"{ingest['stated']:,} ({percent(share)})"
            )
        if rejected:
            plot = rows[1, 0].subplots()
            names = sorted(rejected, key=lambda name: rejected[name])
            bars = plot.barh(names, [rejected[name] for name in names], color="#777777")
            plot.bar_label(bars, padding=3, fontsize=9)
            plot.set(xlabel=f"rejected, of {ingest['files']:,} files")
            plot.grid(axis="y", visible=False)
        figure.suptitle(title, fontsize=10, x=0.01, ha="left", color="#333333")
    return figure
