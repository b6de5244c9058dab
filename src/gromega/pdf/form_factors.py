"""X-ray form factors f(Q) of atoms, and weights of atoms at one Q."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from periodictable.cromermann import fxrayatq

from gromega.crystals.crystal import Crystal, element_of
from gromega.pdf.scattering import scattering_table, site_weights

_STEP = 0.5
"""The step in Å⁻¹ of the Q at which the falloff of an average element is known."""


def form_factors(
    numbers: NDArray[np.int64], q: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return f(Q)/f(0) of some elements, (n_elements, n_q), at Q in Å⁻¹.

    The factors are those of Waasmaier & Kirfel, Acta Cryst. A51 (1995) 416, for neutral
    atoms, which describe f up to Q = 75 Å⁻¹.
    """
    # The table comes first: reading it fills those of periodictable.
    zero = scattering_table("xray")[numbers][:, None]
    found = np.empty((numbers.size, q.size))
    for row, number in zip(found, numbers, strict=True):
        row[:] = fxrayatq(element_of(number).symbol, q)
    return found / zero


@lru_cache
def average_falloff() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Q from 0 to 40 Å⁻¹, (n_q,), and the mean f(Q)/f(0) of all elements."""
    q = np.arange(0.0, 40.0 + _STEP, _STEP)
    known = np.flatnonzero(~np.isnan(scattering_table("xray")))
    return q, form_factors(known, q).mean(axis=0)


def weights_at(crystal: Crystal, q: float) -> NDArray[np.float64]:
    """Return the x-ray weights of atoms with f(Q) in place of f(0), (n_atoms,).

    They are those of `site_weights` otherwise, whose sum is the same at all Q.
    """
    weights = site_weights(crystal, "xray")
    own, kinds = np.unique(crystal.numbers, return_inverse=True)
    at_q = weights * form_factors(own, np.array([q]))[kinds, 0]
    scaled: NDArray[np.float64] = at_q * (weights.sum() / at_q.sum())
    return scaled
