"""Structures of OPTIMADE, as its specification 1.2 describes an entry of structures."""

from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import gemmi
import numpy as np
import periodictable
from numpy.typing import NDArray

from gromega.crystals.crystal import HEAVIEST, ISOTOPE, Crystal, crystal_of_nuclides
from gromega.crystals.io.sites import FULL, MAX_ATOMS, check_cell, merge_sites
from gromega.crystals.io.species import DEUTERIUM, Shares
from gromega.crystals.io.stated_formula import agrees
from gromega.crystals.read_formula import spellings
from gromega.crystals.refusal import Reason, RefusedError

Attributes = dict[str, Any]

REQUIRED = (
    "lattice_vectors",
    "cartesian_site_positions",
    "species",
    "species_at_sites",
)
FIELDS = (
    *REQUIRED,
    "nsites",
    "dimension_types",
    "nperiodic_dimensions",
    "structure_features",
    "assemblies",
    "chemical_formula_reduced",
)
"""The properties that `read_structure` uses."""
_VACANCY = "vacancy"
# Atomic mass units. Programs round masses, and standard atomic weights change.
_NATURAL, _ISOTOPIC = 0.05, 0.02


def read_structure(
    id: str, attributes: Attributes, max_atoms: int = MAX_ATOMS
) -> Crystal:
    """Return the crystal that the attributes of an OPTIMADE structure describe.

    Parameters
    ----------
    id
        The name of the crystal.
    attributes
        The attributes of the entry as JSON gives them: lengths in Å, masses in u.
        Species may have several elements and vacancies. A mass other than that of the
        natural mix makes an isotope.
    max_atoms
        The largest number of sites.

    Raises
    ------
    RefusedError
        If the entry is damaged, is not periodic in three dimensions, has disorder that
        its sites do not resolve, lacks atoms, or is not a possible crystal.
    """
    try:
        return _read(id, attributes, max_atoms)
    except RefusedError:
        raise
    except (TypeError, ValueError, KeyError, OverflowError, AttributeError) as error:
        detail = f"not a structure of OPTIMADE ({type(error).__name__}: {error})"
        raise RefusedError(Reason.UNREADABLE, detail) from None


def _read(id: str, attributes: Attributes, max_atoms: int) -> Crystal:
    _check_features(attributes)
    names = attributes.get("species_at_sites") or []
    positions = attributes.get("cartesian_site_positions") or []
    if not names and not positions:
        raise RefusedError(Reason.NO_ATOMS, "no sites")
    if len(names) > max_atoms:
        raise RefusedError(
            Reason.TOO_MANY_ATOMS, f"{len(names)}, the limit is {max_atoms}"
        )
    if not len(names) == len(positions) == (attributes.get("nsites") or len(names)):
        raise ValueError(f"{len(names)} sites with {len(positions)} positions")
    lattice = _lattice(attributes.get("lattice_vectors"))
    cartesian = _vectors(positions, Reason.NO_COORDINATES)
    species = {each["name"]: _shares(each) for each in attributes.get("species") or []}
    site_of: list[int] = []
    atoms: Shares = []
    for site, name in enumerate(names):
        if name not in species:
            raise ValueError(f"the species {name!r} is not described")
        atoms += species[name]
        site_of += [site] * len(species[name])
    if not atoms:
        raise RefusedError(Reason.NO_ATOMS, "vacancies only")
    nuclides, shares = map(np.array, zip(*atoms, strict=True))
    frac = (cartesian @ np.linalg.inv(lattice))[site_of] % 1.0
    merged = merge_sites(nuclides, frac, shares, lattice)
    crystal = crystal_of_nuclides(id, lattice, *merged)
    _check_formula(crystal, attributes.get("chemical_formula_reduced"))
    return crystal


def _check_features(attributes: Attributes) -> None:
    """Refuse structures that their sites do not describe completely."""
    features = attributes.get("structure_features") or []
    types = attributes.get("dimension_types") or [1, 1, 1]
    count = attributes.get("nperiodic_dimensions")
    if list(types) != [1, 1, 1] or (count is not None and count != 3):
        n = sum(types) if list(types) != [1, 1, 1] else count
        raise RefusedError(Reason.NOT_PERIODIC, f"periodic in {n} of 3 dimensions")
    if attributes.get("assemblies") or "assemblies" in features:
        detail = "sites depend on each other (assemblies): take the CIF file if any"
        raise RefusedError(Reason.DISORDER, detail)
    if "implicit_atoms" in features:
        detail = "some atoms have no site (implicit_atoms)"
        raise RefusedError(Reason.MISSING_ATOMS, detail)


def _lattice(value: Any) -> NDArray[np.float64]:
    if not value:
        raise RefusedError(Reason.BAD_CELL, "lattice_vectors is missing")
    lattice = _vectors(value, Reason.BAD_CELL)
    if lattice.shape != (3, 3):
        raise RefusedError(Reason.BAD_CELL, f"{len(lattice)} lattice vectors")
    check_cell(lattice)
    return lattice


def _vectors(value: Any, reason: Reason) -> NDArray[np.float64]:
    """Return rows of three numbers, (n, 3); refuse those that are not finite."""
    # NumPy would take numbers that are written as text, and nested lists of them.
    if not all(isinstance(row, list) and len(row) == 3 for row in value):
        raise ValueError("a vector does not have three components")
    numbers = [x for row in value for x in row]
    if any(x is None for x in numbers):
        raise RefusedError(reason, "null")
    if any(isinstance(x, bool) or not isinstance(x, int | float) for x in numbers):
        raise ValueError("a component is not a number")
    vectors = np.array(value, dtype=np.float64)
    if not np.isfinite(vectors).all():
        raise RefusedError(reason, "a component is not finite")
    return vectors


def _shares(species: Attributes) -> Shares:
    """Return the nuclides of a species with their shares, without vacancies."""
    name, symbols = species["name"], species["chemical_symbols"]
    shares: list[float] = species.get("concentration") or [1.0]
    masses = species.get("mass")
    if not isinstance(masses, list):
        # Version 1.0 has one mass per species.
        masses = [masses] * len(symbols)
    if not len(symbols) == len(shares) == len(masses):
        raise ValueError(f"the species {name!r} has lists of different lengths")
    attached = [each for each in species.get("attached") or [] if each != _VACANCY]
    if attached:
        detail = f"{attached[0]!r} attached to {name!r} has no coordinates"
        raise RefusedError(Reason.MISSING_ATOMS, detail)
    if min(shares) < 0 or not sum(shares) <= FULL:
        detail = f"{sum(shares):.3g} in the species {name!r}, from {min(shares):.3g}"
        raise RefusedError(Reason.BAD_OCCUPANCY, detail)
    if sum(shares) < 2 - FULL:
        # The specification leaves open what the rest is.
        detail = f"the concentrations of {name!r} add up to {sum(shares):.3g}"
        raise RefusedError(Reason.DISORDER, detail)
    parts = zip(symbols, shares, masses, strict=True)
    return [
        (_nuclide(symbol, mass), min(float(share), 1.0))
        for symbol, share, mass in parts
        if symbol != _VACANCY and share > 0
    ]


def _nuclide(symbol: str, mass: float | None) -> int:
    """Return the nuclide of a symbol, by its mass in u if one is stated."""
    number = _atomic_number(symbol)
    if not number:
        raise RefusedError(Reason.UNKNOWN_ELEMENT, f"{symbol!r}")
    if symbol == "D":
        return DEUTERIUM
    if not mass:
        return number
    if abs(mass - periodictable.elements[number].mass) <= _NATURAL:
        return number
    for isotope, exact in _isotopes(number):
        if abs(mass - exact) <= _ISOTOPIC:
            return number + ISOTOPE * isotope
    detail = f"{symbol} of mass {mass:.6g} u is neither the natural mix nor an isotope"
    raise RefusedError(Reason.UNKNOWN_ELEMENT, detail)


@lru_cache(256)
def _atomic_number(symbol: str) -> int:
    """Return the atomic number of a symbol as OPTIMADE spells it, or 0."""
    element = gemmi.Element(symbol)
    known = element.name == symbol and element.atomic_number <= HEAVIEST
    return int(element.atomic_number) if known else 0


@lru_cache(128)
def _isotopes(number: int) -> Sequence[tuple[int, float]]:
    """Return the mass numbers of the isotopes of an element, and their masses in u."""
    element = periodictable.elements[number]
    return [(isotope, float(element[isotope].mass)) for isotope in element.isotopes]


def _check_formula(crystal: Crystal, stated: Any) -> None:
    """Refuse a crystal without shared sites that has another formula than stated."""
    if not stated or crystal.occupancy.min() < 1:
        return
    formulas = []
    with suppress(ValueError):
        formulas = spellings(stated)
    if formulas and not any(agrees(amounts, crystal) for amounts in formulas):
        detail = f"{crystal.formula}, the entry states {stated}"
        raise RefusedError(Reason.OTHER_FORMULA, detail)
