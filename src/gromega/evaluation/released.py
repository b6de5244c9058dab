"""Accuracy of a released model on the test crystals that it carries."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gromega.conditions import REFERENCE
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
    crystals = _carried(model)
    rows, g = crystals.simulate(REFERENCE)
    formulas = None
    if model.uses_compositions and crystals.formulas:
        formulas = [crystals.formulas[i] for i in rows]
    log_p, known = model.without_and_with_composition(g, formulas)
    return score(log_p, crystals.y[rows], known)


def _carried(model: Model) -> TestCrystals:
    if model.test_crystals is None:
        raise ValueError("the model carries no test crystals to score it on.")
    return model.test_crystals


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
        formulas = None
        if model.uses_compositions and crystals.formulas:
            formulas = [crystals.formulas[i] for i in rows]
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
