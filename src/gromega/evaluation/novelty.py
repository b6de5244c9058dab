"""Accuracy by novelty: what a model says of familiar and of new test crystals."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from gromega.conditions import Box, Conditions
from gromega.crystals.crystal import Crystal
from gromega.crystals.fingerprint import N_NEIGHBOURS, fingerprint
from gromega.model.calibration import expected_calibration_error
from gromega.model.familiarity import UNSURE
from gromega.model.model import Model
from gromega.model.neighbours import NeighbourResult
from gromega.networks.logits import ranks

RELATIVES = {
    "no relative": (0, 0),
    "1 or 2 relatives": (1, 2),
    "3 to 9 relatives": (3, 9),
    "10 to 99 relatives": (10, 99),
    "100 relatives or more": (100, np.inf),
}
"""The classes by the number of training crystals of the same structure type."""
DISTANCES = {
    "AMD distance below 2 %": (0.0, 0.02),
    "AMD distance 2 to 5 %": (0.02, 0.05),
    "AMD distance 5 to 10 %": (0.05, 0.10),
    "AMD distance from 10 %": (0.10, np.inf),
}
"""The classes by the distance to the nearest training crystal of the same ratios."""
NO_RATIOS = "no training crystal of its ratios"


@dataclass(frozen=True)
class NoveltyScore:
    """What a model says of a class of test crystals, and how often it is right.

    Parameters
    ----------
    n
        The number of crystals.
    top1, top6
        The shares whose true group is the first, or among the first six.
    confidence
        The mean probability of the first group.
    ece
        The expected calibration error.
    coverage, size
        The share of 90 % prediction sets with the true group, and their mean size; 0
        without calibration.
    """

    n: int
    top1: float
    top6: float
    confidence: float
    ece: float
    coverage: float
    size: float


def amd_and_ratios(
    crystals: Sequence[Crystal], structure_types: Sequence[str]
) -> tuple[NDArray[np.float32], list[str]]:
    """Return the `amd` of crystals, (n, 64), and the ratios of their elements."""
    return amd(crystals), [name.partition("_")[0] for name in structure_types]


def amd(crystals: Sequence[Crystal]) -> NDArray[np.float32]:
    """Return the average minimum distances of crystals at unit density, (n, 64).

    They are divided by ρ0^(-1/3), so that they do not depend on the sizes of the atoms.
    """
    distances = np.stack([fingerprint(crystal) for crystal in crystals])
    density = np.array([crystal.density for crystal in crystals], np.float32)
    return distances[:, :N_NEIGHBOURS] * np.cbrt(density)[:, None]


def nearest_by_amd(
    amd: NDArray[np.floating],
    ratios: Sequence[str],
    trained: NDArray[np.floating],
    trained_ratios: Sequence[str],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the nearest training crystal of the same ratios: distance and index, (n,).

    The distance of two crystals is the largest difference of the logarithms of their
    `amd`, (n, 64) and (n_trained, 64), which is their largest relative difference where
    it is small. Without a training crystal of the ratios, which are anonymised formulas
    such as ``AB2``, it is infinite, and the index is -1.
    """
    # It takes a third of a second to import: reports do without it.
    from scipy.spatial import KDTree

    of_test, of_train = np.array(ratios), np.array(trained_ratios)
    distance, nearest = np.full(of_test.size, np.inf), np.full(of_test.size, -1)
    for each in np.intersect1d(of_test, of_train):
        rows, others = of_test == each, np.flatnonzero(of_train == each)
        tree = KDTree(np.log(trained[others]))
        distance[rows], index = tree.query(np.log(amd[rows]), p=np.inf)
        nearest[rows] = others[index]
    return distance, nearest


def classes_of(
    relatives: NDArray[np.int64], distances: NDArray[np.float64]
) -> dict[str, NDArray[np.bool_]]:
    """Return which crystals, (n,), are in each class of novelty, and in larger ones."""
    classes = {"all": np.ones(relatives.size, bool)}
    classes |= {"new": relatives == 0, "known": relatives > 0}
    for name, (low, high) in RELATIVES.items():
        classes[name] = (low <= relatives) & (relatives <= high)
    for name, (start, stop) in DISTANCES.items():
        classes[name] = (start <= distances) & (distances < stop)
    classes[NO_RATIOS] = np.isinf(distances)
    return classes


def score_by_novelty(
    model: Model,
    result: NeighbourResult,
    compositions: Sequence[str] | None,
    y: NDArray[np.int64],
    classes: dict[str, NDArray[np.bool_]],
) -> dict[str, dict[str, dict[str, float]]]:
    """Return the scores by statement on the structure type and by class of novelty.

    The results, the compositions, if used, the true classes y and the classes of
    `classes_of` are those of n PDFs of test crystals.
    """
    calibration = model.calibration_for(compositions is not None)
    cases, _ = model.cases(result, compositions) or ({}, None)
    cases = cases or {UNSURE: model.calibrated(result, compositions)}
    found: dict[str, dict[str, dict[str, float]]] = {}
    for case, log_p in cases.items():
        rank = ranks(log_p, y)
        sets = np.zeros(log_p.shape, bool)
        if calibration:
            sets = calibration.prediction_sets(log_p, 0.90, case)
        found[case] = {
            name: asdict(_score(log_p[rows], y[rows], rank[rows], sets[rows]))
            for name, rows in classes.items()
            if rows.any()
        }
    return found


def _score(
    log_p: NDArray[np.floating],
    y: NDArray[np.int64],
    rank: NDArray[np.int64],
    sets: NDArray[np.bool_],
) -> NoveltyScore:
    values = (
        (rank < 1).mean(), (rank < 6).mean(), np.exp(log_p.max(axis=1)).mean(),
        expected_calibration_error(log_p, y), sets[np.arange(y.size), y].mean(),
        sets.sum(axis=1).mean(),
    )  # fmt: skip
    return NoveltyScore(int(y.size), *(round(float(each), 6) for each in values))


def corners(box: Box | None, conditions: Conditions) -> dict[str, Conditions]:
    """Return the reference and three corners of a box, if there is one, by name.

    They are a short range of r at the best resolution, a long one at the worst, and a
    noisy one of small crystallites.
    """
    if box is None:
        return {"reference": conditions}
    (r0, r1), (q0, q1), (d0, d1) = box.rmax, box.qmax, box.qdamp
    (u0, u1), size, noise = box.uiso, box.diameter[0], box.noise[1]
    return {
        "reference": conditions,
        "short range": conditions.at(rmax=r0, qmax=q1, qdamp=d0, uiso=u0),
        "low resolution": conditions.at(rmax=r1, qmax=q0, qdamp=d1, uiso=u1),
        "small crystallites": conditions.at(
            rmax=r1, qmax=q1, qdamp=d0, uiso=u1, diameter=size, noise=noise
        ),
    }
