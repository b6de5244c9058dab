"""The sections on accuracy: at the reference and along the sweeps."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gromega._util.formatting import in_percent
from gromega._util.plotting import to_svg
from gromega.conditions import QUANTITIES
from gromega.evaluation import paper
from gromega.evaluation.figures.sweeps import map_figure, sweep_figure
from gromega.evaluation.report.content import ReportFigure, Section, Table
from gromega.evaluation.score import TOP, scores
from gromega.evaluation.subsamples import Subsamples
from gromega.lake.predictions import StoredPredictions
from gromega.model.intervals import Share
from gromega.model.model import Model
from gromega.networks.logits import ranks
from gromega.sweeps import Axis


def reference_section(
    model: Model,
    about: str,
    predictions: StoredPredictions,
    y: NDArray[np.int64],
    baselines: Mapping[str, NDArray[np.floating]],
) -> Section:
    """Return the section on the reference, beside log p of baselines, (n, n_groups)."""
    methods: dict[str, NDArray[np.floating]] = {"this model": predictions.log_p[0]}
    known = predictions.log_p_with_composition
    if known is not None:
        methods["this model, with the composition"] = known[0]
    methods |= baselines
    rows = [[name, *accuracy_cells(ranks(log_p, y))] for name, log_p in methods.items()]
    reported = (in_percent(paper.PAPER_REFERENCE[f"top{k}"]) for k in TOP)
    rows.append(["Lan et al., crystals of the ICSD", *reported])
    conditions = ", ".join(
        f"{name} {QUANTITIES[name].with_unit(value)}"
        for name, value in model.conditions.to_mapping().items()
    )
    table = Table(
        f"Accuracy in % at the reference, with 95 % intervals; {about}.",
        ["", "top-1", "top-6"],
        rows,
    )
    return Section("Reference", [f"The reference conditions: {conditions}.", table])


def sweep_section(
    model: Model,
    about: str,
    predictions: StoredPredictions,
    y: NDArray[np.int64],
    subsamples: Mapping[tuple[str, str], Subsamples],
) -> Section:
    """Return the section on the accuracy along an axis, or over a map of two."""
    sweep = predictions.sweep
    assert sweep is not None
    by_point = scores(predictions, predictions.space_groups[y])
    title = f"recipe {model.training.get('recipe')}, {y.size:,} test crystals"
    if len(sweep.axes) == 2:
        figure = map_figure(sweep, by_point, title)
        names = f"{sweep.axes[0].name} and {sweep.axes[1].name}"
        caption = f"Top-1 and top-6 accuracy by {names}; {about}."
        block = ReportFigure(caption, sweep.name, to_svg(figure))
        return Section(f"Map: {names}", [block])
    (axis,) = sweep.axes
    drawn = {key: subsamples[sweep.name, key] for key in by_point}
    figure = sweep_figure(axis, by_point, model.trained_over, title, drawn)
    caption = f"Top-1 and top-6 accuracy along {axis.name}; {about}."
    block = ReportFigure(caption, sweep.name, to_svg(figure))
    table = _sweep_table(axis, about, predictions, y, drawn)
    return Section(f"Sweep of {axis.name}", [block, table])


def _sweep_table(
    axis: Axis,
    about: str,
    predictions: StoredPredictions,
    y: NDArray[np.int64],
    subsamples: Mapping[str, Subsamples],
) -> Table:
    reported = paper.reported(axis)
    with_composition = predictions.log_p_with_composition
    rows = []
    for point, (key, log_p, valid) in enumerate(predictions.points()):
        top1, top6 = accuracy_cells(ranks(log_p[valid], y[valid]))
        drawn = subsamples[key]
        row = [key, top1, _quartiles(drawn["top1"]), top6, _quartiles(drawn["top6"])]
        if with_composition is not None:
            row += accuracy_cells(ranks(with_composition[point, valid], y[valid]))
        row += [in_percent(value) for value in reported.get(key, ())]
        rows.append(row)
    head = [f"{axis.name} ({axis.unit})" if axis.unit else axis.name]
    head += ["top-1", "quartiles", "top-6", "quartiles"]
    if with_composition is not None:
        head += ["top-1 with composition", "top-6 with composition"]
    head += ["Lan et al. top-1", "Lan et al. top-6"] if reported else []
    return Table(
        f"Accuracy in % along {axis.name}, with 95 % intervals and with the quartiles "
        f"of subsamples of a tenth of the crystals; {about}.",
        head,
        rows,
    )


def accuracy_cells(rank: NDArray[np.int64]) -> list[str]:
    """Return top-1 and top-6 accuracy in percent, by the ranks of the true groups."""
    return [Share.of(rank < k).cell() for k in TOP]


def _quartiles(values: NDArray[np.float64]) -> str:
    return " / ".join(in_percent(q) for q in np.quantile(values, (0.25, 0.5, 0.75)))
