"""Scattering lengths and the weights of atoms in the pair spectrum."""

import math
import threading
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import periodictable
from numpy.typing import NDArray
from periodictable.cromermann import fxrayatq

from gromega.conditions import RADIATIONS
from gromega.crystals.crystal import MAX_Z, Crystal

# periodictable fills its tables at first use; another thread could read them half full.
_LOCK = threading.Lock()
_xray_factor: Callable[[str, float], float] = fxrayatq


@lru_cache
def scattering_table(radiation: str) -> NDArray[np.float64]:
    """Return f(Q=0) (x-ray, electrons) or b (neutron, fm) by atomic number.

    X-ray factors are those of Waasmaier & Kirfel, Acta Cryst. A51 (1995) 416,
    for the neutral atom; neutron lengths are the bound coherent ones. An
    element without one has nan.
    """
    if radiation not in RADIATIONS:
        raise ValueError(
            f"radiation must be one of {', '.join(RADIATIONS)}, got {radiation!r}."
        )
    with _LOCK:
        table = np.full(MAX_Z + 1, np.nan)
        for z in range(1, MAX_Z + 1):
            element = periodictable.elements[z]
            if radiation == "neutron":
                length = element.neutron.b_c
                table[z] = np.nan if length is None else length
            else:
                try:
                    table[z] = _xray_factor(element.symbol, 0.0)
                except KeyError:
                    continue
    return table


def without_length(radiation: str) -> set[int]:
    """Return the atomic numbers that have no scattering length."""
    return set(np.flatnonzero(np.isnan(scattering_table(radiation))[1:]) + 1)


def is_visible(crystal: Crystal, radiation: str) -> bool:
    """Return whether a crystal has a PDF with a radiation; see `site_weights`."""
    try:
        site_weights(crystal, radiation)
    except ValueError:
        return False
    return True


def site_weights(crystal: Crystal, radiation: str) -> NDArray[np.float64]:
    """Return occupancy × f over √(Σo) <f> for each atom, (n_atoms,).

    The product of two such weights is the weight of a pair in PDFCalculator. Raise
    ValueError if an element has no scattering length, or the crystal's mean is zero.
    """
    lengths = scattering_table(radiation)[crystal.numbers]
    if np.isnan(lengths).any():
        missing = crystal.numbers[np.isnan(lengths)]
        symbols = sorted({periodictable.elements[int(z)].symbol for z in missing})
        raise ValueError(
            f"crystal {crystal.id!r}: no {radiation} scattering length is known for "
            f"{', '.join(symbols)}; leave the crystal out."
        )
    weights = crystal.occupancy * lengths
    total = crystal.occupancy.sum()
    mean = weights.sum() / total
    if abs(mean) <= 1e-6 * np.abs(lengths).max():
        raise ValueError(
            f"crystal {crystal.id!r}: the mean {radiation} scattering length is zero, "
            "so its G(r) is not defined; leave the crystal out."
        )
    scaled: NDArray[np.float64] = weights / (mean * math.sqrt(total))
    return scaled
