"""Simulate G(r) of crystals, with the native engine or diffpy.srreal."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gromega.conditions import REFERENCE, Conditions
from gromega.crystals.crystal import Crystal
from gromega.defects import NO_DEFECTS, Defects
from gromega.pdf import srreal
from gromega.pdf.bins import DMAX, bin_centres
from gromega.pdf.defects import add_defects, extra_uiso, partners
from gromega.pdf.exact_factors import exact_pdfs
from gromega.pdf.operator import (
    Operator,
    apply_operator,
    build_operator,
    reach,
    theta_of,
    variance,
)
from gromega.pdf.spectrum import check_list, make_spectra, pair_spectrum

ENGINES = ("native", "srreal")
NARROW = 0.05
"""The variance of a peak over 2 Uiso below which the native engine is inexact."""


def simulate(
    crystals: Sequence[Crystal],
    conditions: Conditions = REFERENCE,
    engine: str = "native",
    seed: int = 0,
    defects: Defects = NO_DEFECTS,
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
        The seed of the noise and the waves. Other defects depend on the ids alone.
    defects
        The defects of real data; none by default. A second phase is another one of the
        crystals, chosen by the id.

    Returns
    -------
    r : (n_r,) float64
        The grid k π/40 Å within [rmin, rmax].
    g : (n, n_r) float32
        G(r) in Å⁻².

    Raises
    ------
    ValueError
        If `crystals` is one crystal, the engine is unknown or lacks one of the
        conditions, a crystal has an element without a scattering length for this
        radiation, or there is no second phase.
    ImportError
        If the engine is ``"srreal"`` and cannot be imported.
    """
    if engine not in ENGINES:
        raise ValueError(
            f"there is no engine {engine!r}; the engines are {', '.join(ENGINES)}."
        )
    check_list(crystals)
    dmax = max(DMAX, reach(conditions))
    op = build_operator(conditions, dmax, defects=defects)
    if engine == "native":
        g = clean_pdfs(op, crystals, conditions, dmax, defects)
    elif needs_crystals(defects):
        raise ValueError(
            "the engine 'srreal' has one Uiso and constant form factors, got "
            f"uiso_spread {defects.uiso_spread:g} and form_factors "
            f"{defects.form_factors!r}; use the engine 'native'."
        )
    else:
        g = srreal.pdf(crystals, conditions)
    ids = [crystal.id for crystal in crystals]
    other = g[partners(ids)] if defects.second_phase else None
    return op.r, add_defects(op, g, ids, defects, other, seed)


def needs_crystals(defects: Defects) -> bool:
    """Return whether G with these defects is not linear in the usual pair spectra."""
    return defects.uiso_spread > 0 or defects.form_factors == "exact"


def clean_pdfs(
    op: Operator,
    crystals: Sequence[Crystal],
    conditions: Conditions,
    dmax: float,
    defects: Defects = NO_DEFECTS,
    readout: NDArray[np.float64] | None = None,
) -> NDArray[np.float32]:
    """Return G(r, Ω) with Uiso of the elements and form factors, (n, n_r) in Å⁻².

    The operator is that of the conditions and the readout, as `build_operator` makes
    it, for pair spectra up to dmax (Å).
    """
    density = [crystal.density for crystal in crystals]
    if not needs_crystals(defects):
        spectra = make_spectra(crystals, conditions.radiation, dmax)
        return np.asarray(apply_operator(op, spectra, density))
    extra = [extra_uiso(crystal, defects.uiso_spread) for crystal in crystals]
    # Neutrons have no form factors.
    if defects.form_factors == "exact" and conditions.radiation == "xray":
        return exact_pdfs(crystals, conditions, dmax, extra, op.r, readout)
    spectra = np.stack(
        [
            pair_spectrum(crystal, conditions.radiation, dmax, own)
            for crystal, own in zip(crystals, extra, strict=True)
        ]
    )
    return np.asarray(apply_operator(op, spectra, density))


def narrowest_peak(crystal: Crystal, conditions: Conditions) -> float | None:
    """Return the distance in Å of the narrowest peak, or None if it is wide enough.

    Correlated motion leaves it less than `NARROW`. A peak without width is left out.
    """
    spectrum = pair_spectrum(crystal, conditions.radiation, conditions.rmax)
    d = bin_centres(spectrum.size)[spectrum != 0]
    width = variance(theta_of(conditions), d) / (2 * conditions.uiso)
    return float(d[np.argmin(width)]) if width.min(initial=1.0) < NARROW else None
