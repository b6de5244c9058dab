"""The fit of the calibrations for known and for new structure types."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gromega.model.calibration import (
    COVERAGES,
    TEMPERATURES,
    coverage_key,
    fit_thresholds,
)
from gromega.model.familiarity import (
    UNSURE,
    Case,
    FamiliarityFit,
    features,
    mixed,
)
from gromega.model.logistic import fit_logistic, fit_mixture
from gromega.model.neighbours import NeighbourResult
from gromega.model.other_groups import DECIMALS

FEWEST = 200
"""The least number of PDFs of either case that are fitted to."""
LESS = 0.08
"""The coverage of new structure types may be this much lower if the case is unknown."""
_RIDGE = 1e-4


def fit_familiarity(
    result: NeighbourResult,
    log_p: ArrayLike,
    y: NDArray[np.int64],
    is_new: NDArray[np.bool_],
    n_of_ratios: NDArray[np.int64] | None = None,
    coverages: Sequence[float] = COVERAGES,
) -> FamiliarityFit | None:
    """Return the fit to PDFs of crystals that are in neither training nor neighbours.

    The thresholds of the mixture are those that cover all PDFs, but at least those that
    cover a share `LESS` smaller of the new structure types.

    Parameters
    ----------
    result, log_p
        The result of network and neighbours, and its calibrated log-probabilities,
        (n, n_groups).
    y, is_new
        The true classes, (n,), and whether no training crystal has the structure type.
    n_of_ratios
        As in `features`.

    Returns
    -------
    FamiliarityFit or None
        None if one of the cases has fewer than `FEWEST` PDFs.
    """
    if min(np.count_nonzero(is_new), np.count_nonzero(~is_new)) < FEWEST:
        return None
    x = features(result, log_p, n_of_ratios)
    known, new = (_fit_case(result, y, rows, coverages) for rows in (~is_new, is_new))
    share = round(float(is_new.mean()), DECIMALS)
    truth = np.arange(y.size), y
    known_log_p, new_log_p = (each.log_p(result)[truth] for each in (known, new))
    log_odds, share_log_odds = (
        tuple(np.round(odds, DECIMALS).tolist())
        for odds in (
            fit_logistic(x, is_new, _RIDGE),
            fit_mixture(x, known_log_p, new_log_p, _RIDGE),
        )
    )
    n = int(is_new.sum())
    fit = FamiliarityFit(known, new, {}, log_odds, share, n, share_log_odds)
    unsure = fit.cases(result, x)[UNSURE]
    of_all = fit_thresholds(unsure, y, coverages)
    of_new = fit_thresholds(unsure[is_new], y[is_new], [c - LESS for c in coverages])
    for key, coverage in zip(of_all, coverages, strict=True):
        fit.conformal[key] = max(of_all[key], of_new[coverage_key(coverage - LESS)])
    return fit


def _fit_case(
    result: NeighbourResult,
    y: NDArray[np.int64],
    rows: NDArray[np.bool_],
    coverages: Sequence[float],
) -> Case:
    """Return the weight and temperature with the least mean of -log p(y) of rows."""
    # SciPy's optimizers take a second to import: predictions do without them.
    from scipy import optimize

    within, truth = result.rows(rows), y[rows]

    def log_p(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return mixed(within, float(x[0]), float(np.exp(x[1])))

    def loss(x: NDArray[np.float64]) -> float:
        return -float(log_p(x)[np.arange(truth.size), truth].mean())

    bounds = [(0.0, 1.0), tuple(np.log(TEMPERATURES))]
    found = optimize.minimize(loss, np.array([0.5, 0.0]), bounds=bounds).x
    weight, temperature = round(float(found[0]), 4), round(float(np.exp(found[1])), 4)
    thresholds = fit_thresholds(mixed(within, weight, temperature), truth, coverages)
    return Case(weight, temperature, thresholds)
