"""Pair spectra: all interatomic distances of a crystal, once and for all Ω."""

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from gromega.crystals.crystal import Crystal
from gromega.pdf.pairs import add_pairs
from gromega.pdf.scattering import site_weights

BIN_WIDTH = 0.02
"""Distance between the knots of the B-splines that hold a spectrum, Å."""
DMAX = 36.0
"""Longest distance of a spectrum unless told otherwise, Å: enough for rmax 30 Å
with the ripples of Qmax 10 Å⁻¹ and the tails of the widest peaks."""
_CHUNK = 64


def n_bins(dmax: float) -> int:
    """Return the number of bins of a spectrum that holds distances up to dmax."""
    return math.floor(dmax / BIN_WIDTH) + 4


def bin_centres(n: int) -> NDArray[np.float64]:
    """Return the distances d, (n,) in Å, at which the B-splines are centred."""
    return np.arange(-1, n - 1, dtype=np.float64) * BIN_WIDTH


def pair_spectrum(
    crystal: Crystal, radiation: str = "xray", dmax: float = DMAX
) -> NDArray[np.float32]:
    """Return the pair spectrum of one crystal.

    It is p(d)/d on cubic B-splines B at distances `bin_centres`,

        p(d)/d = Σ_i Σ_j w_i w_j / d_ij B(d - d_ij),   w = o f / (√Σo <f>),

    over all ordered pairs with 0 < d_ij ≤ dmax, f = f(Q=0) (x-ray) or b (neutron),
    o the occupancy, <f> = Σ o f / Σ o: the sum of PDFCalculator (Egami & Billinge,
    Underneath the Bragg Peaks, 2012, eq. 3.13) before peaks are broadened.

    Parameters
    ----------
    crystal
        The crystal.
    radiation
        The radiation, ``"xray"`` or ``"neutron"``.
    dmax
        The longest distance in Å.

    Returns
    -------
    (n_bins(dmax),) float32, in Å⁻¹

    Raises
    ------
    ValueError
        If an element has no scattering length for this radiation.
    """
    weights = site_weights(crystal, radiation)
    out = np.zeros(n_bins(dmax))
    add_pairs(crystal.lattice, crystal.frac, weights, dmax, BIN_WIDTH, out)
    return out.astype(np.float32)


def pair_spectra(
    crystals: Sequence[Crystal],
    radiation: str = "xray",
    dmax: float = DMAX,
    progress: Callable[[int], None] | None = None,
) -> NDArray[np.float32]:
    """Return the pair spectra of many crystals, on all cores.

    Parameters
    ----------
    crystals
        The crystals, n of them.
    radiation, dmax
        As in `pair_spectrum`.
    progress
        Called with the number of crystals that were finished since the last call.

    Returns
    -------
    (n, n_bins(dmax)) float32, in Å⁻¹
    """
    spectra = np.empty((len(crystals), n_bins(dmax)), np.float32)

    def fill(start: int) -> int:
        stop = min(start + _CHUNK, len(crystals))
        for index in range(start, stop):
            spectra[index] = pair_spectrum(crystals[index], radiation, dmax)
        return stop - start

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in pool.map(fill, range(0, len(crystals), _CHUNK)):
            if progress:
                progress(done)
    return spectra
