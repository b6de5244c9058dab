"""Simulate G(r) of crystals, with the native engine or diffpy.srreal."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gromega.conditions import REFERENCE, Conditions
from gromega.crystals.crystal import Crystal
from gromega.pdf import srreal
from gromega.pdf.bins import DMAX, bin_centres
from gromega.pdf.noise import add_crystal_noise
from gromega.pdf.operator import (
    apply_operator,
    build_operator,
    reach,
    theta_of,
    variance,
)
from gromega.pdf.spectrum import pair_spectra, pair_spectrum

ENGINES = ("native", "srreal")
NARROW = 0.05
"""The variance of a peak over 2 Uiso below which the native engine is inexact."""


def simulate(
    crystals: Sequence[Crystal],
    conditions: Conditions = REFERENCE,
    engine: str = "native",
    seed: int = 0,
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return G(r, Ω) of crystals on the calculation grid.

    Parameters
    ----------
    crystals
        The crystals, n of them.
    conditions
        The conditions Ω; the reference by default.
    engine
        The engine, ``"native"`` or ``"srreal"`` (diffpy.srreal, if installed).
    seed
        The seed of the noise.

    Returns
    -------
    r : (n_r,) float64
        The grid k π/40 Å within [rmin, rmax].
    g : (n, n_r) float32
        G(r) in Å⁻².

    Raises
    ------
    ValueError
        If the engine is unknown, or a crystal has an element without a scattering
        length for this radiation, or if the engine ``"srreal"`` has no such condition.
    ImportError
        If the engine is ``"srreal"`` and cannot be imported.
    """
    if engine not in ENGINES:
        raise ValueError(
            f"there is no engine {engine!r}; the engines are {', '.join(ENGINES)}."
        )
    dmax = max(DMAX, reach(conditions))
    op = build_operator(conditions, dmax)
    if engine == "srreal":
        g = srreal.pdf(crystals, conditions)
    else:
        spectra = pair_spectra(crystals, conditions.radiation, dmax)
        g = apply_operator(op, spectra, [crystal.density for crystal in crystals])
    ids = [crystal.id for crystal in crystals]
    return op.r, add_crystal_noise(op, g, ids, seed)


def narrowest_peak(crystal: Crystal, conditions: Conditions) -> float | None:
    """Return the distance in Å of the narrowest peak, or None if it is wide enough.

    Correlated motion leaves it less than `NARROW`. A peak without width is left out.
    """
    spectrum = pair_spectrum(crystal, conditions.radiation, conditions.rmax)
    d = bin_centres(spectrum.size)[spectrum != 0]
    width = variance(theta_of(conditions), d) / (2 * conditions.uiso)
    return float(d[np.argmin(width)]) if width.min(initial=1.0) < NARROW else None
