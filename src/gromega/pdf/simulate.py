"""Simulate G(r) of crystals, with the native engine or diffpy.srreal."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gromega.conditions import REFERENCE, Conditions
from gromega.crystals.crystal import Crystal
from gromega.pdf import srreal
from gromega.pdf.bins import DMAX
from gromega.pdf.noise import add_crystal_noise
from gromega.pdf.operator import apply_operator, build_operator, reach
from gromega.pdf.spectrum import pair_spectra

ENGINES = ("native", "srreal")


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
