"""The bins of pair spectra: cubic B-splines on even knots."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

BIN_WIDTH = 0.02
"""Distance between the knots of the B-splines that hold a spectrum, Å."""
DMAX = 36.0
"""Longest distance of a spectrum unless told otherwise, Å: enough for rmax 30 Å
with the ripples of Qmax 10 Å⁻¹ and the tails of the widest peaks."""


def n_bins(dmax: float) -> int:
    """Return the number of bins of a spectrum that holds distances up to dmax."""
    return math.floor(dmax / BIN_WIDTH) + 4


def bin_centres(n: int) -> NDArray[np.float64]:
    """Return the distances d, (n,) in Å, at which the B-splines are centred."""
    return np.arange(-1, n - 1, dtype=np.float64) * BIN_WIDTH


def through_knots(values: Any, xp: Any = np) -> Any:
    """Return values A⁻¹, (n, n_d): from values at the knots to B-spline coefficients.

    A pair's height in the spectrum is spread over cubic B-splines around its
    distance. Its peak comes back, to fourth order in the bin width, if each B-spline
    stands for the coefficient that interpolates the peaks through their values at the
    knots, A being (1, 4, 1)/6 (Unser, IEEE Signal Processing Magazine 16 (1999) 22):
    shape, place and d-dependent width are then right.
    """
    n = values.shape[1]
    filtered = (4.0 + 2.0 * xp.cos(2.0 * xp.pi * xp.arange(n // 2 + 1) / n)) / 6.0
    return xp.fft.irfft(xp.fft.rfft(values, axis=1) / filtered, n, axis=1)


def coarsen(spectra: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Return the spectra that wider bins would have held, (n, n_coarse).

    A wide cubic B-spline is a sum of narrow ones, so nothing but sums is needed (Unser,
    IEEE Signal Processing Magazine 16 (1999) 22): B(x / m) = Σ_k h_k B(x - k), h being
    four boxes of m ones folded with each other, over m³. The error of G(r) grows with
    the fourth power of the factor.

    Parameters
    ----------
    spectra
        The spectra, (n, n_bins).
    factor
        The width of a wide bin in narrow ones, m.
    """
    fold = np.ones(1)
    for _ in range(4):
        fold = np.convolve(fold, np.ones(factor))
    fold /= factor**3
    places, half = _wide_knots(spectra.shape[1], factor), fold.size // 2
    wide = np.pad(spectra, ((0, 0), (factor + half, factor + 2 * half)))
    windows = places[:, None] + np.arange(fold.size) + factor
    return np.einsum("nkj,j->nk", wide[:, windows], fold).astype(np.float32)


def refine(coarse: NDArray[np.float32], factor: int, n: int) -> NDArray[np.float32]:
    """Return spectra of narrow bins, (n_crystals, n), that stand for wide ones.

    Applied to them, the operator gives what one for the wide bins would give to these.

    Parameters
    ----------
    coarse
        The spectra of wide bins, (n_crystals, n_coarse), as `coarsen` returns them.
    factor
        The width of a wide bin in narrow ones.
    n
        The number of narrow bins.
    """
    # From B-spline coefficients to point masses at the wide knots, and back at the
    # narrow ones.
    masses = through_knots(coarse)
    places = _wide_knots(n, factor) + factor
    points = np.zeros((len(coarse), places[-1] + factor + 2))
    points[:, places] = masses
    spread = (points[:, :-2] + 4 * points[:, 1:-1] + points[:, 2:]) / 6
    return spread[:, factor - 1 : factor - 1 + n].astype(np.float32)


def _wide_knots(n: int, factor: int) -> NDArray[np.int64]:
    """Return the places of the wide knots among n narrow bins, the first at -m + 1."""
    return factor * np.arange(-1, -(-(n - 1) // factor) + 1) + 1
