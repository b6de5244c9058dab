"""The section on confidence: calibration, selective accuracy, prediction sets."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gromega._util.formatting import in_percent, percent
from gromega._util.plotting import to_svg
from gromega.evaluation import analysis
from gromega.evaluation.figures.confidence import calibration_figure
from gromega.evaluation.report.cells import share_cell
from gromega.evaluation.report.content import Block, ReportFigure, Section, Table
from gromega.evaluation.score import score
from gromega.lake.predictions import StoredPredictions
from gromega.model.calibration import Calibration

REJECTED = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7)
"""The shares of rejected predictions in the table of selective accuracy."""


def confidence_section(
    calibration: Calibration | None,
    about: str,
    log_p: NDArray[np.floating],
    y: NDArray[np.int64],
    sweeps: Sequence[StoredPredictions],
) -> Section:
    """Return the section on confidence.

    Parameters
    ----------
    calibration
        The calibration of the model, if it has one.
    about
        The test crystals in words, for the captions.
    log_p
        The log-probabilities at the reference, (n, n_groups).
    y
        The true classes, (n,).
    sweeps
        The predictions along the sweeps.
    """
    bins = analysis.calibration_curve(log_p, y)
    error = score(log_p, y)["ece"]
    blocks: list[Block] = [
        f"The expected calibration error at the reference is {percent(error)}.",
        ReportFigure(
            f"Accuracy against confidence, in tenths of the crystals; {about}.",
            "calibration",
            to_svg(calibration_figure(bins)),
        ),
        _selective_accuracy(about, log_p, y),
    ]
    if calibration:
        blocks.append(_prediction_sets(calibration, about, log_p, y))
    for predictions in sweeps:
        if predictions.sweep and len(predictions.sweep.axes) == 1:
            blocks.append(_along(calibration, predictions, about, y))
    return Section("Confidence", blocks)


def _selective_accuracy(
    about: str, log_p: NDArray[np.floating], y: NDArray[np.int64]
) -> Table:
    kept = analysis.selective_accuracy(log_p, y, REJECTED)
    return Table(
        "Selective accuracy: top-1 accuracy in % after the least confident predictions "
        f"are rejected, with 95 % intervals; {about}.",
        ["rejected", "top-1", "kept"],
        [
            [percent(share, 0), share_cell(found), f"{found.n:,}"]
            for share, found in zip(REJECTED, kept, strict=True)
        ],
    )


def _prediction_sets(
    calibration: Calibration,
    about: str,
    log_p: NDArray[np.floating],
    y: NDArray[np.int64],
) -> Table:
    return Table(
        f"Prediction sets at the reference, with 95 % intervals; {about}.",
        ["nominal coverage", "measured coverage (%)", "mean number of groups"],
        [
            [percent(c.nominal, 0), share_cell(c.measured), f"{c.mean_size:.1f}"]
            for c in analysis.set_coverages(calibration, log_p, y)
        ],
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
