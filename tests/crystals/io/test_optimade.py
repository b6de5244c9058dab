"""Structures of OPTIMADE: what is read, and what is refused for which reason."""

import numpy as np
import pytest
from optimade_entries import attributes, species

from gromega.crystals.io.optimade import read_structure
from gromega.crystals.refusal import Reason, RefusedError
from gromega.crystals.symmetry import space_group


def read(**changes):
    return read_structure("x", attributes(**changes))


def with_first(*symbols, **more):
    """Return a rock salt whose first site holds another species."""
    first = species(*symbols, name="Na", **more)
    return {"species": [first, species("Cl")], "chemical_formula_reduced": None}


def test_a_structure_is_read():
    crystal = read()
    assert crystal.formula == "ClNa"
    assert crystal.volume == pytest.approx(5.64**3 / 4)
    np.testing.assert_allclose(crystal.frac, [[0, 0, 0], [0.5, 0.5, 0.5]], atol=1e-12)
    assert space_group(crystal) == 225


@pytest.mark.parametrize(
    ("first", "nuclides", "occupancy"),
    [
        # two elements share a site
        (with_first("Na", "K", concentration=[0.25, 0.75]), [11, 19], [0.25, 0.75]),
        # a vacancy is left out; rounded thirds add up to 0.99
        (with_first("Na", "vacancy", concentration=[0.66, 0.33]), [11], [0.66]),
        # a natural mix by its mass: of an old table, rounded, absent
        (with_first("Zn", mass=[65.39]), [30], [1]),
        (with_first("C", mass=[12.0]), [6], [1]),
        (with_first("Na", mass=None), [11], [1]),
        # isotopes by their masses: a list, a number as in version 1.0, several
        (with_first("H", mass=[2.014]), [2001], [1]),
        (with_first("Li", mass=7.016), [7003], [1]),
        (with_first("Li", "Li", mass=[6.015, 7.016]), [6003, 7003], [0.5, 0.5]),
        # a symbol that the specification does not have
        (with_first("D"), [2001], [1]),
        # not stated, as some databases do for one element
        (with_first("Na", concentration=None), [11], [1]),
    ],
)
def test_species_give_nuclides_and_occupancies(first, nuclides, occupancy):
    crystal = read(**first)
    assert crystal.nuclides[:-1].tolist() == nuclides
    assert crystal.occupancy[:-1].tolist() == occupancy
    assert crystal.nuclides[-1] == 17


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        # a slab, by either property
        ({"dimension_types": [1, 1, 0]}, Reason.NOT_PERIODIC),
        ({"dimension_types": None, "nperiodic_dimensions": 0}, Reason.NOT_PERIODIC),
        # sites that depend on each other
        ({"assemblies": [{"sites_in_groups": [[0], [1]]}]}, Reason.DISORDER),
        ({"structure_features": ["assemblies"]}, Reason.DISORDER),
        # nobody says what the rest of the site is
        (with_first("Na", concentration=[0.7]), Reason.DISORDER),
        (with_first("Na", "K", concentration=[0.7, 0.7]), Reason.BAD_OCCUPANCY),
        (with_first("Na", "K", concentration=[1.5, -0.5]), Reason.BAD_OCCUPANCY),
        (with_first("Na", concentration=[float("nan")]), Reason.BAD_OCCUPANCY),
        # atoms without sites
        ({"structure_features": ["implicit_atoms"]}, Reason.MISSING_ATOMS),
        (with_first("C", attached=["H"], nattached=[3]), Reason.MISSING_ATOMS),
        # elements that are not known, and masses that are nobody's
        (with_first("X"), Reason.UNKNOWN_ELEMENT),
        (with_first("na"), Reason.UNKNOWN_ELEMENT),
        (with_first("Fe", mass=[56.0]), Reason.UNKNOWN_ELEMENT),
        # cells
        ({"lattice_vectors": None}, Reason.BAD_CELL),
        ({"lattice_vectors": [[1, 0, 0], [0, 1, 0]]}, Reason.BAD_CELL),
        ({"lattice_vectors": [[None] * 3] * 3}, Reason.BAD_CELL),
        ({"lattice_vectors": [[1, 0, 0], [0, 1, 0], [1, 1, 0]]}, Reason.BAD_CELL),
        # coordinates
        (
            {"cartesian_site_positions": [[0, 0, 0], [1, None, 1]]},
            Reason.NO_COORDINATES,
        ),
        (
            {"cartesian_site_positions": [[0, 0, 0], [1, 1, float("inf")]]},
            Reason.NO_COORDINATES,
        ),
        ({"cartesian_site_positions": [[0, 0, 0], [0, 0, 0.1]]}, Reason.OVERLAP),
        # atoms
        ({"species_at_sites": [], "cartesian_site_positions": []}, Reason.NO_ATOMS),
        ({"species_at_sites": ["Na"] * 2000}, Reason.TOO_MANY_ATOMS),
        ({"chemical_formula_reduced": "ClNa2"}, Reason.OTHER_FORMULA),
        # damaged entries
        ({"species_at_sites": ["Na", "K"]}, Reason.UNREADABLE),
        ({"nsites": 3}, Reason.UNREADABLE),
        ({"cartesian_site_positions": [[0, 0, 0], ["1", 1, 1]]}, Reason.UNREADABLE),
        ({"cartesian_site_positions": [[0, 0, 0], [1, 1]]}, Reason.UNREADABLE),
        ({"cartesian_site_positions": 7, "nsites": None}, Reason.UNREADABLE),
        ({"species": [{"name": "Na"}]}, Reason.UNREADABLE),
        ({"species": "Na"}, Reason.UNREADABLE),
        ({"dimension_types": 3}, Reason.UNREADABLE),
        (with_first("Na", concentration=[0.5, 0.5]), Reason.UNREADABLE),
        (with_first("Na", concentration=["1"]), Reason.UNREADABLE),
    ],
)
def test_what_is_not_a_certain_crystal_is_refused(changes, reason):
    with pytest.raises(RefusedError) as refused:
        read(**changes)
    assert refused.value.reason == reason, refused.value


def test_vacancies_alone_are_no_crystal():
    empty = species("vacancy", name="v")
    with pytest.raises(RefusedError, match="vacancies"):
        read(species=[empty], species_at_sites=["v", "v"])


def test_an_entry_without_anything_is_refused():
    with pytest.raises(RefusedError):
        read_structure("x", {})
