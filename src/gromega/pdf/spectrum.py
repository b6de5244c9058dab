"""Pair spectra: the weighted distances of a crystal, computed once for all Ω."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from gromega._util.parallel import open_pool, ordered_map
from gromega.conditions import RADIATIONS
from gromega.crystals.crystal import Crystal
from gromega.pdf.bins import BIN_WIDTH, DMAX, n_bins
from gromega.pdf.form_factors import weights_at
from gromega.pdf.scattering import is_visible, site_weights

CHUNK = 64


def pair_spectrum(
    crystal: Crystal,
    radiation: str = "xray",
    dmax: float = DMAX,
    extra_uiso: NDArray[np.float64] | None = None,
    q: float = 0.0,
) -> NDArray[np.float32]:
    """Return the pair spectrum of one crystal, (n_bins(dmax),) float32, in Å⁻¹.

    It is p(d)/d on cubic B-splines B at distances `bin_centres`,

        p(d)/d = Σ_i Σ_j w_i w_j / d_ij B(d - d_ij),   w = o f / (√Σo <f>),

    over all ordered pairs with 0 < d_ij ≤ dmax, f = f(Q=0) (x-ray) or b (neutron),
    o the occupancy, <f> = Σ o f / Σ o: the sum of PDFCalculator (Egami & Billinge,
    Underneath the Bragg Peaks, 2012, eq. 3.13) before peaks are broadened.

    Parameters
    ----------
    radiation
        The radiation, ``"xray"`` or ``"neutron"``.
    dmax
        The longest distance in Å.
    extra_uiso
        The Uiso of each atom beyond that of the conditions, (n_atoms,), in Å²; 0 by
        default. Three points stand for the Gaussian. With an extra 0.003 Å² of both
        atoms, the error of a peak is up to 0.4 % of its height where the Uiso of the
        conditions is 0.008 Å². Where it is 0.002 Å², the error is up to 1.8 % at Qmax
        23 Å⁻¹ and 6 % at 32 Å⁻¹.
    q
        The Q in Å⁻¹ of the x-ray form factors, f(q) in place of f(0).

    Raises
    ------
    ValueError
        If an element has no scattering length for this radiation.
    """
    # Numba takes a third of a second to import: most stages do without it.
    from gromega.pdf.pairs import add_pairs

    weights = site_weights(crystal, radiation)
    if q and radiation == "xray":
        weights = weights_at(crystal, q)
    out = np.zeros(n_bins(dmax))
    extra = np.zeros(weights.size) if extra_uiso is None else extra_uiso
    add_pairs(crystal.lattice, crystal.frac, weights, extra, dmax, BIN_WIDTH, out)
    return out.astype(np.float32)


def check_list(crystals: Sequence[Crystal]) -> None:
    """Raise ValueError if `crystals` is one crystal and not a list."""
    if isinstance(crystals, Crystal):
        raise ValueError("crystals must be a list, got one crystal; give [crystal].")


def make_spectra(
    crystals: Sequence[Crystal], radiation: str = "xray", dmax: float = DMAX
) -> NDArray[np.float32]:
    """Return the pair spectra of n crystals, (n, n_bins(dmax)), on all cores.

    Raise ValueError if `crystals` is one crystal and not a list, or as in
    `pair_spectrum`.
    """
    check_list(crystals)
    chunks = (crystals[i : i + CHUNK] for i in range(0, len(crystals), CHUNK))
    with open_pool() as pool:
        parts = list(ordered_map(pool, partial(spectra_of, radiation, dmax), chunks))
    return np.concatenate([np.empty((0, n_bins(dmax)), np.float32), *parts])


def spectra_of(
    radiation: str, dmax: float, crystals: Sequence[Crystal]
) -> NDArray[np.float32]:
    """Return the pair spectra of a few crystals, (n, n_bins(dmax)), on this core."""
    spectra = np.empty((len(crystals), n_bins(dmax)), np.float32)
    for row, crystal in zip(spectra, crystals, strict=True):
        row[:] = pair_spectrum(crystal, radiation, dmax)
    return spectra


def valid_spectra(
    crystals: Sequence[Crystal], radiation: str, dmax: float
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Return which crystals have a pair spectrum, (n,), and the spectra, (n, n_bins).

    A crystal has none if an element has no scattering length for the radiation; zeros
    are in its place.
    """
    valid = np.array([is_visible(crystal, radiation) for crystal in crystals], bool)
    spectra = np.zeros((len(crystals), n_bins(dmax)), np.float32)
    kept = [crystal for crystal, is_one in zip(crystals, valid, strict=True) if is_one]
    spectra[valid] = make_spectra(kept, radiation, dmax)
    return valid, spectra


def spectra_by_radiation(
    crystals: Sequence[Crystal],
) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float32]]]:
    """Return number densities in Å⁻³, (n,), and pair spectra for each radiation.

    The spectra, (n, n_bins), reach to `DMAX`.
    """
    density = np.array([crystal.density for crystal in crystals])
    return density, {
        name: valid_spectra(crystals, name, DMAX)[1] for name in RADIATIONS
    }
