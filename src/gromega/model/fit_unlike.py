"""The fit of the score of PDFs that are unlike those of all crystals.

The score is learned from PDFs that no crystal has: waves, random peaks that end at a
few ångström as in a glass, noise, and mixtures of two crystals.
"""

import numpy as np
from numpy.typing import NDArray

from gromega.model.logistic import fit_logistic
from gromega.model.reliability import SHARE
from gromega.pdf.network_grid import INPUT_R

SEED = 301
_RIDGE = 0.05

Inputs = NDArray[np.float32]
"""The G on the network's grid, (n, 209)."""


def odd_inputs(g: Inputs, seed: int = SEED) -> Inputs:
    """Return PDFs that no crystal has, one for each PDF of a crystal, (n, 209)."""
    rng = np.random.default_rng(seed)
    n = len(g)
    made = np.concatenate(
        [
            waves(rng, n // 4),
            glasses(rng, n // 4),
            rng.standard_normal((n // 4, INPUT_R.size)),
            mixtures(rng, g, n - 3 * (n // 4)),
        ]
    )
    return made.astype(np.float32)


def waves(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Return sine waves of 0.6 to 8 Å, (n, 209)."""
    period, phase = rng.uniform(0.6, 8, (n, 1)), rng.uniform(0, 2 * np.pi, (n, 1))
    return np.sin(2 * np.pi * INPUT_R / period + phase)


def glasses(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Return random PDFs without order beyond a few ångström, (n, 209).

    Two peaks stand for the nearest and the second neighbours; waves near 2π over their
    distance decay with a length of 1.5 to 5 Å.
    """
    nearest, length = rng.uniform(1.5, 3.2, (n, 1)), rng.uniform(1.5, 5, (n, 1))
    waves = np.zeros((n, INPUT_R.size))
    for _ in range(4):
        q = 2 * np.pi / nearest * rng.uniform(0.5, 1.9, (n, 1))
        phase = rng.uniform(0, 2 * np.pi, (n, 1))
        waves += rng.standard_normal((n, 1)) * np.sin(q * INPUT_R + phase)
    first = _peak(nearest, rng.uniform(0.05, 0.2, (n, 1)))
    second = _peak(1.63 * nearest, rng.uniform(0.15, 0.4, (n, 1)))
    peaks = rng.uniform(1, 4, (n, 1)) * first + rng.uniform(0.5, 2, (n, 1)) * second
    noise = 0.01 * rng.standard_normal((n, INPUT_R.size))
    return np.asarray(np.exp(-INPUT_R / length) * waves + peaks + noise)


def mixtures(rng: np.random.Generator, g: Inputs, n: int) -> NDArray[np.float64]:
    """Return n sums of two PDFs each, with 30 to 70 % of the signal of one."""
    one, other = rng.integers(0, len(g), (2, n))
    share = rng.uniform(0.3, 0.7, (n, 1))
    unit = g / np.maximum(g.std(axis=1, keepdims=True), 1e-9)
    return np.asarray(share * unit[one] + (1 - share) * unit[other], np.float64)


def _peak(at: NDArray[np.float64], width: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.exp(-0.5 * ((INPUT_R - at) / width) ** 2))


def fit_unlike(
    inside: NDArray[np.floating], odd: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Return the coefficients of the score, (m + 1,): a constant, then m slopes.

    They are those of a logistic regression between the features, (n, m), of PDFs of
    crystals and those of odd ones; the share `SHARE` of the crystals has a score above
    0.
    """
    x = np.concatenate([inside, odd])
    is_odd = np.arange(len(x)) >= len(inside)
    # Both kinds count alike, however many there are.
    weights = np.where(is_odd, 0.5 / len(odd), 0.5 / len(inside))
    coefficients = fit_logistic(x, is_odd, _RIDGE / len(x), weights)
    scores = coefficients[0] + inside @ coefficients[1:]
    coefficients[0] -= np.quantile(scores, 1 - SHARE)
    return coefficients.astype(np.float32)
