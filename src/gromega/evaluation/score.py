"""Accuracy of a model on the test part, from what it answers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gromega.lake.predictions import StoredPredictions
from gromega.model.calibration import expected_calibration_error
from gromega.networks.logits import classes, ranks

TOP = (1, 6)
WITH_COMPOSITION = "with_composition"
Scores = dict[str, Any]
"""Accuracies and the like; at `WITH_COMPOSITION`, those with the composition."""


def score(
    log_probabilities: NDArray[np.floating],
    y: NDArray[np.int64],
    told: NDArray[np.floating] | None = None,
) -> Scores:
    """Return the top-1 and top-6 accuracies and the number of crystals.

    With them goes the expected calibration error of the probabilities, ``ece``, and at
    `WITH_COMPOSITION` the same with the compositions, where the model uses them.
    """
    rank = ranks(log_probabilities, y)
    scores: Scores = {f"top{k}": round(float(np.mean(rank < k)), 6) for k in TOP}
    error = round(expected_calibration_error(log_probabilities, y), 6)
    scores |= {"ece": error, "n": int(y.size)}
    return scores if told is None else {**scores, WITH_COMPOSITION: score(told, y)}


def scores(
    answers: StoredPredictions, space_groups: NDArray[np.int64]
) -> dict[str, Scores]:
    """Return the scores of answers by point; the key of the reference is empty.

    Parameters
    ----------
    answers
        The answers.
    space_groups
        The true space groups, (n,).
    """
    y = classes(answers.space_groups, space_groups)
    found = {}
    for place, (key, log_p, seen) in enumerate(answers.points()):
        told = (
            None
            if answers.log_p_with_composition is None
            else answers.log_p_with_composition[place, seen]
        )
        found[key] = score(log_p[seen], y[seen], told)
    return found
