"""The bins of pair spectra: cubic B-splines on even knots."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

BIN_WIDTH = 0.02
"""Distance between the knots of the B-splines that hold a spectrum, Å."""
DMAX = 36.0
"""Default longest distance of a spectrum, Å: enough for rmax 30 Å with the ripples of
Qmax 10 Å⁻¹ and the tails of the widest peaks."""


def n_bins(dmax: float) -> int:
    """Return the number of bins of a spectrum that holds distances up to dmax."""
    return math.floor(dmax / BIN_WIDTH) + 4


def bin_centres(n: int) -> NDArray[np.float64]:
    """Return the distances d, (n,) in Å, at which the B-splines are centred."""
    return np.arange(-1, n - 1, dtype=np.float64) * BIN_WIDTH


def spline_coefficients(values: Any, xp: Any = np) -> Any:
    """Return values A⁻¹, (n, n_d): B-spline coefficients of values at the knots.

    A pair's height in the spectrum is spread over cubic B-splines around its distance.
    The coefficients interpolate the peaks through their values at the knots, where
    A = (1, 4, 1)/6 (Unser, IEEE Signal Processing Magazine 16 (1999) 22). The peak of a
    pair then has the right shape, position and width to fourth order in the bin width.
    """
    n = values.shape[1]
    filtered = (4.0 + 2.0 * xp.cos(2.0 * xp.pi * xp.arange(n // 2 + 1) / n)) / 6.0
    return xp.fft.irfft(xp.fft.rfft(values, axis=1) / filtered, n, axis=1)


def coarsen(spectra: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Return spectra, (n, n_bins), on bins that are m times as wide, (n, n_coarse).

    A wide cubic B-spline is a sum of narrow ones (Unser, IEEE Signal Processing
    Magazine 16 (1999) 22): B(x / m) = Σ_k h_k B(x - k), h being the convolution of four
    boxes of m ones over m³. The error of G(r) grows with the fourth power of m.
    """
    weights = np.ones(1)
    for _ in range(4):
        weights = np.convolve(weights, np.ones(factor))
    weights /= factor**3
    knots, half = _wide_knots(spectra.shape[1], factor), weights.size // 2
    wide = np.pad(spectra, ((0, 0), (factor + half, factor + 2 * half)))
    windows = knots[:, None] + np.arange(weights.size) + factor
    sums: NDArray[np.float64] = np.einsum("nkj,j->nk", wide[:, windows], weights)
    return sums.astype(np.float32)


def refine(coarse: NDArray[np.float32], factor: int, n: int) -> NDArray[np.float32]:
    """Return spectra on n narrow bins, (n_crystals, n), that represent coarse ones.

    The operator for narrow bins gives the same G(r) from them as an operator for wide
    bins would give from the spectra of `coarsen`, (n_crystals, n_coarse).
    """
    # B-spline coefficients become point masses at the wide knots, which narrow
    # B-splines then represent.
    masses: NDArray[np.float64] = spline_coefficients(coarse)
    knots = _wide_knots(n, factor) + factor
    points = np.zeros((len(coarse), knots[-1] + factor + 2))
    points[:, knots] = masses
    spread: NDArray[np.float64]
    spread = (points[:, :-2] + 4 * points[:, 1:-1] + points[:, 2:]) / 6
    return spread[:, factor - 1 : factor - 1 + n].astype(np.float32)


def _wide_knots(n: int, factor: int) -> NDArray[np.int64]:
    """Return the indices of the wide knots among n narrow bins, the first at -m + 1."""
    return factor * np.arange(-1, -(-(n - 1) // factor) + 1) + 1
