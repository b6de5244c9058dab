"""Scattering lengths and the weights of atoms in the pair spectrum."""

import math
import threading
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from periodictable.cromermann import fxrayatq

from gromega.conditions import RADIATIONS
from gromega.crystals.crystal import ISOTOPE, MAX_Z, Crystal, element_of, nuclide_symbol

# periodictable fills its tables at first use; another thread could read them half full.
_LOCK = threading.Lock()
_xray_factor: Callable[[str, float], float] = fxrayatq


@lru_cache
def scattering_table(radiation: str) -> NDArray[np.float64]:
    """Return f(Q=0) (x-ray, electrons) or b (neutron, fm) by atomic number.

    These are of the natural mix of isotopes.

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
            element = element_of(z)
            if radiation == "neutron":
                length = element.neutron.b_c
                table[z] = np.nan if length is None else length
            else:
                try:
                    table[z] = _xray_factor(element.symbol, 0.0)
                except KeyError:
                    continue
    return table


@lru_cache(1024)
def scattering_length(nuclide: int, radiation: str) -> float:
    """Return f(Q=0) or b of a nuclide of `Crystal.nuclides`, or nan.

    By neutrons an isotope has a length of its own; by x-rays it is its element.
    """
    mass = nuclide // ISOTOPE
    natural = float(scattering_table(radiation)[nuclide % ISOTOPE])
    if not mass or radiation != "neutron":
        return natural
    with _LOCK:
        length = element_of(nuclide)[mass].neutron.b_c
    return math.nan if length is None else float(length)


def without_length(radiation: str) -> set[int]:
    """Return the nuclides that have no scattering length, see `Crystal.nuclides`."""
    return {
        number + ISOTOPE * mass
        for number in range(1, MAX_Z + 1)
        for mass in (0, *element_of(number).isotopes)
        if math.isnan(scattering_length(number + ISOTOPE * mass, radiation))
    }


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
    isotopes = np.flatnonzero(crystal.masses)
    nuclides = crystal.nuclides[isotopes].tolist()
    lengths[isotopes] = [scattering_length(each, radiation) for each in nuclides]
    if np.isnan(lengths).any():
        missing = crystal.nuclides[np.isnan(lengths)].tolist()
        symbols = sorted(set(map(nuclide_symbol, missing)))
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
