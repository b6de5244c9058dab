import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gromega.crystals.crystal import Crystal, element_of, nuclide_symbol

CUBE = 4.0 * np.eye(3)


def test_density_counts_occupancies():
    crystal = Crystal("half", CUBE, [26, 26], [[0, 0, 0], [0.5, 0.5, 0.5]], [1.0, 0.5])
    assert crystal.volume == pytest.approx(64.0)
    assert crystal.density == pytest.approx(1.5 / 64.0)


def test_volume_does_not_depend_on_the_processor():
    # LAPACK gives 717.0877656322848, or other last digits on another processor.
    lattice = [
        [5.55030692, 3.20447120, 6.71809797],
        [-5.55160236, 3.20447120, 6.71809797],
        [-6.47720000e-04, -6.41006427, 6.71809797],
    ]
    assert Crystal("x", lattice, [14], [[0, 0, 0]]).volume == 717.087765632285


@pytest.mark.parametrize(
    ("numbers", "occupancy", "formula"),
    [
        # whole amounts: reduced
        ([26, 26, 26, 26, 8, 8, 8, 8, 8, 8], None, "Fe2O3"),
        # one atom of each: no count
        ([28, 8], None, "NiO"),
        # partial occupancies: amounts as they are
        ([29, 79], [0.5, 0.5], "Au0.5Cu0.5"),
    ],
)
def test_formula_is_reduced_in_alphabetical_order(numbers, occupancy, formula):
    frac = np.zeros((len(numbers), 3))
    assert Crystal("x", CUBE, numbers, frac, occupancy).formula == formula


@pytest.mark.parametrize(
    ("change", "offender"),
    [
        # no atoms: refused
        ({"numbers": [], "frac": np.zeros((0, 3))}, "no atoms"),
        # coordinates for another number of atoms: both shapes are shown
        ({"frac": [[0, 0, 0], [0.5, 0.5, 0.5]]}, r"frac.*\(1, 3\).*\(2, 3\)"),
        # a coordinate that is not a number: refused
        ({"frac": [[np.nan, 0, 0]]}, "frac"),
        # an element that does not exist: refused
        ({"numbers": [0]}, "got 0"),
        # occupancies outside (0, 1]: refused
        ({"occupancy": [1.2]}, r"got 1\.2"),
        ({"occupancy": [0.0]}, "got 0"),
        # three vectors in a plane: refused
        ({"lattice": [[1, 0, 0], [0, 1, 0], [1, 1, 0]]}, "volume"),
    ],
)
def test_invalid_crystal_is_refused_by_name(change, offender):
    values = {"lattice": CUBE, "numbers": [26], "frac": [[0, 0, 0]]}
    with pytest.raises(ValueError, match=f"crystal 'bad'.*{offender}"):
        Crystal("bad", **{**values, **change})


@settings(deadline=None)
@given(st.lists(st.integers(1, 94), min_size=1, max_size=6), st.integers(2, 4))
def test_supercell_has_the_same_formula_and_density(numbers, n):
    frac = np.linspace(0, 0.9, len(numbers))[:, None] * np.ones(3)
    crystal = Crystal("x", CUBE, numbers, frac)
    shifts = np.arange(n)[:, None, None] * np.array([1.0, 0, 0])
    larger = Crystal(
        "x",
        np.diag([n, 1, 1]) @ CUBE,
        np.tile(crystal.numbers, n),
        ((frac + shifts) / [n, 1, 1]).reshape(-1, 3),
    )
    assert larger.formula == crystal.formula
    assert larger.density == pytest.approx(crystal.density)


@pytest.mark.parametrize("nuclide", [3, np.int64(3), 7003])
def test_a_nuclide_is_of_its_element(nuclide):
    assert element_of(nuclide).symbol == "Li"
    assert element_of(nuclide).isotopes == [*range(4, 13)]


def test_isotopes_are_nuclides_and_d_is_in_the_formula():
    crystal = Crystal("x", CUBE, [3, 1], np.eye(3)[:2], None, [7, 2])
    assert crystal.nuclides.tolist() == [7003, 2001]
    assert crystal.formula == "DLi"
    assert [nuclide_symbol(k) for k in (7003, 2001, 1)] == ["7Li", "D", "H"]
    with pytest.raises(ValueError, match="Li has no isotope 40"):
        Crystal("x", CUBE, [3], np.zeros((1, 3)), None, [40])
