"""Pair spectra where a radiation may have no scattering length for an element."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gromega.conditions import RADIATIONS
from gromega.crystals.crystal import Crystal
from gromega.pdf.bins import DMAX, n_bins
from gromega.pdf.scattering import is_visible
from gromega.pdf.spectrum import pair_spectra


def valid_spectra(
    crystals: Sequence[Crystal], radiation: str, dmax: float
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Return which crystals have a pair spectrum, (n,), and the spectra, (n, n_bins).

    A crystal has none if an element has no scattering length for the radiation; zeros
    are in its place.

    Parameters
    ----------
    crystals
        The crystals, n of them.
    radiation
        The radiation, ``"xray"`` or ``"neutron"``.
    dmax
        The longest distance in Å.
    """
    valid = np.array([is_visible(crystal, radiation) for crystal in crystals], bool)
    spectra = np.zeros((len(crystals), n_bins(dmax)), np.float32)
    kept = [crystal for crystal, is_one in zip(crystals, valid, strict=True) if is_one]
    spectra[valid] = pair_spectra(kept, radiation, dmax)
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
