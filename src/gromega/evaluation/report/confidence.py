"""The section on confidence: calibration, selective accuracy, prediction sets."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gromega._util.formatting import in_percent, percent
from gromega._util.plotting import style, to_svg
from gromega.crystals.space_groups import (
    SYSTEMS,
    bravais_lattice,
    centrosymmetric,
    crystal_system,
    laue_class,
)
from gromega.evaluation import analysis
from gromega.evaluation.figures.sweeps import COLORS
from gromega.evaluation.report.content import Block, ReportFigure, Section, Table
from gromega.evaluation.score import score
from gromega.lake.predictions import StoredPredictions
from gromega.model.calibration import Calibration

FAMILIES: dict[str, Callable[[int], Any]] = {
    "crystal system": lambda group: SYSTEMS[crystal_system(group)][0],
    "Bravais lattice": bravais_lattice,
    "Laue class": laue_class,
    "inversion centres": centrosymmetric,
}
"""The levels above the space group, as functions of its number."""
REJECTED = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7)
"""The shares of rejected predictions in the table of selective accuracy."""


def confidence_section(
    calibration: Calibration | None,
    about: str,
    log_p: NDArray[np.floating],
    y: NDArray[np.int64],
    space_groups: NDArray[np.int64],
    sweeps: Sequence[StoredPredictions],
) -> Section:
    """Return the section on confidence, with log p at the reference, (n, n_groups).

    The space groups are the model's, (n_groups,).
    """
    error = score(log_p, y)["ece"]
    kept = analysis.selective_accuracy(log_p, y, REJECTED)
    blocks: list[Block] = [
        f"The expected calibration error at the reference is {percent(error)}.",
        ReportFigure(
            f"Accuracy against confidence, in tenths of the crystals; {about}.",
            "calibration",
            to_svg(calibration_figure(analysis.calibration_curve(log_p, y))),
        ),
        Table(
            "Selective accuracy: top-1 accuracy in % after the least confident "
            f"predictions are rejected, with 95 % intervals; {about}.",
            ["rejected", "top-1", "kept"],
            [
                [percent(share, 0), found.cell(), f"{found.n:,}"]
                for share, found in zip(REJECTED, kept, strict=True)
            ],
        ),
    ]
    if calibration:
        head = ["nominal coverage", "measured coverage (%)", "mean number of groups"]
        rows = [
            [percent(c.nominal, 0), c.measured.cell(), f"{c.mean_size:.1f}"]
            for c in analysis.set_coverages(calibration, log_p, y)
        ]
        caption = f"Prediction sets at the reference, with 95 % intervals; {about}."
        blocks.append(Table(caption, head, rows))
    blocks.append(_hierarchy(about, log_p, y, space_groups))
    for predictions in sweeps:
        if predictions.sweep and len(predictions.sweep.axes) == 1:
            blocks.append(_along(calibration, predictions, about, y))
    return Section("Confidence", blocks)


def calibration_figure(bins: Sequence[analysis.CalibrationBin]) -> Figure:
    """Return accuracy against confidence as a figure, with 95 % intervals."""
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


def _hierarchy(
    about: str,
    log_p: NDArray[np.floating],
    y: NDArray[np.int64],
    space_groups: NDArray[np.int64],
) -> Table:
    """Return accuracy and confidence of the levels above the space group."""
    rows = []
    for name, family in FAMILIES.items():
        of_group = np.array([family(group) for group in space_groups.tolist()])
        summed, truth = analysis.summed_log_p(log_p, y, of_group)
        confidence = float(np.exp(summed.max(axis=1)).mean())
        found = score(summed, truth)
        values = (found["top1"], confidence, found["ece"])
        rows.append([name, f"{summed.shape[1]}", *map(in_percent, values)])
    return Table(
        f"Accuracy and mean confidence in % of symmetry above the group; {about}.",
        ["", "values", "right", "confidence", "calibration error"],
        rows,
    )


def _along(
    calibration: Calibration | None,
    predictions: StoredPredictions,
    about: str,
    y: NDArray[np.int64],
) -> Table:
    """Return confidence beside accuracy along an axis: both should fall together."""
    assert predictions.sweep is not None
    (axis,) = predictions.sweep.axes
    head = [axis.name, "confidence", "top-1", "calibration error"]
    if calibration:
        for key in calibration.conformal:
            head += [f"{percent(float(key), 0)} sets: coverage", "groups"]
    rows = []
    for key, log_p, valid in predictions.points():
        log_p, truth = log_p[valid], y[valid]
        confidence = float(np.exp(log_p.max(axis=1)).mean())
        scores = score(log_p, truth)
        row = [in_percent(v) for v in (confidence, scores["top1"], scores["ece"])]
        if calibration:
            for c in analysis.set_coverages(calibration, log_p, truth):
                row += [in_percent(c.measured.value), f"{c.mean_size:.1f}"]
        rows.append([key, *row])
    caption = f"Mean confidence and accuracy in % along {axis.name}; {about}."
    return Table(caption, head, rows)
