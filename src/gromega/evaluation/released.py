"""Accuracy of a released model on the test crystals that it carries."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gromega.conditions import REFERENCE, Conditions
from gromega.evaluation.predictions import predict_points
from gromega.evaluation.score import Scores, score
from gromega.model.model import Model
from gromega.model.reliability import TestCrystals
from gromega.networks.logits import among, classes
from gromega.sweeps import AXES, Axis, Sweep

# Crystals that go to the model at a time, each at all values of an axis.
_CRYSTALS = 400


def score_among_all(model: Model) -> Scores:
    """Return the scores on all test crystals that a model carries, among all groups.

    The conditions are those of the paper; ValueError is raised as by `released_scores`.
    """
    log_p, known, y = predict_carried(model, REFERENCE, model.space_groups)
    return score(log_p, y, known)


def predict_carried(
    model: Model, omega: Conditions, groups: NDArray[np.int64]
) -> tuple[NDArray[np.floating], NDArray[np.floating] | None, NDArray[np.int64]]:
    """Return log-probabilities without and with the composition, and the classes.

    They are of the n carried test crystals of some space groups, numbers, among these
    alone: (n, n_groups), the same or None if it cannot be used, and (n,).
    """
    crystals, columns = _carried(model), classes(model.space_groups, groups)
    rows, g = crystals.simulate(omega)
    inside = np.isin(crystals.y[rows], columns)
    rows, g = rows[inside], g[inside]
    log_p, known = model.without_and_with_composition(g, _formulas(model, rows))
    y = classes(groups, model.space_groups[crystals.y[rows]])
    known = None if known is None else among(known, columns)
    return among(log_p, columns), known, y


def _carried(model: Model) -> TestCrystals:
    if model.test_crystals is None:
        raise ValueError("the model carries no test crystals to score it on.")
    return model.test_crystals


def _formulas(model: Model, rows: NDArray[np.int64]) -> list[str] | None:
    """Return the formulas of carried test crystals, if the model can use them."""
    formulas = _carried(model).formulas
    if not (model.uses_compositions and formulas):
        return None
    return [formulas[i] for i in rows]


def released_scores(
    model: Model, groups: NDArray[np.int64]
) -> Iterator[tuple[Axis, dict[str, Scores]]]:
    """Yield the four axes of the paper, each with the scores by key of its value.

    They are on the test crystals of some space groups, numbers, among these alone.

    The other conditions are those of the paper, `gromega.conditions.REFERENCE`. The
    scores are those of `gromega.evaluation.score.score`, with the composition if the
    model can use it. ValueError is raised if the model carries no test crystals.
    """
    crystals = _carried(model)
    columns = classes(model.space_groups, groups)
    inside = np.isin(crystals.y, columns)
    for axis in AXES.values():
        sweep = Sweep((axis,))
        points = [crystals.simulate(omega) for omega in sweep.conditions(REFERENCE)]
        # All points are of x-rays, and so of the same crystals.
        rows, g = points[0][0], np.stack([at_point for _, at_point in points])
        rows, g = rows[inside[rows]], g[:, inside[rows]]
        formulas = _formulas(model, rows)
        blocks = [slice(i, i + _CRYSTALS) for i in range(0, rows.size, _CRYSTALS)]
        predicted = [
            predict_points(model, g[:, block], formulas and formulas[block])
            for block in blocks
        ]
        without, given = (
            [None] * len(points)
            if parts[0] is None
            else among(np.concatenate(parts, axis=1), columns)
            for parts in zip(*predicted, strict=True)
        )
        y = classes(groups, model.space_groups[crystals.y[rows]])
        at_points = zip(sweep.keys(), without, given, strict=True)
        yield axis, {key: score(log_p, y, known) for key, log_p, known in at_points}
