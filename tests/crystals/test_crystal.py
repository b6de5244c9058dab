import numpy as np
import pytest

from gromega.crystals.crystal import Crystal

CUBE = 4.0 * np.eye(3)


def test_density_counts_occupancies():
    crystal = Crystal("half", CUBE, [26, 26], [[0, 0, 0], [0.5, 0.5, 0.5]], [1.0, 0.5])
    assert crystal.volume == pytest.approx(64.0)
    assert crystal.density == pytest.approx(1.5 / 64.0)


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
    ("change", "message"),
    [
        # no atoms: refused
        ({"numbers": [], "frac": np.zeros((0, 3))}, "has no atoms"),
        # coordinates for another number of atoms: both shapes are shown
        ({"frac": [[0, 0, 0], [0.5, 0.5, 0.5]]}, r"frac must have shape \(1, 3\)"),
        # a coordinate that is no number: refused
        ({"frac": [[np.nan, 0, 0]]}, "frac must be finite"),
        # an element that does not exist: refused
        ({"numbers": [0]}, "atomic numbers must be 1 to 118, got 0"),
        # occupancies outside (0, 1]: refused
        ({"occupancy": [1.2]}, "occupancies must be above 0 and at most 1"),
        ({"occupancy": [0.0]}, "occupancies must be above 0 and at most 1"),
        # three vectors in a plane: refused
        ({"lattice": [[1, 0, 0], [0, 1, 0], [1, 1, 0]]}, "the cell has no volume"),
    ],
)
def test_what_is_no_crystal_is_refused_by_name(change, message):
    values = {"lattice": CUBE, "numbers": [26], "frac": [[0, 0, 0]]}
    with pytest.raises(ValueError, match=f"crystal 'bad'.*{message}"):
        Crystal("bad", **{**values, **change})
