"""Sites: merging of atoms, and refusal of overlapping ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gromega.crystals.io.sites import check_cell, merge_sites
from gromega.crystals.refusal import Reason, RefusedError

CUBE = 5.0 * np.eye(3)


def merge(*atoms):
    """Merge atoms given as (number, x, occupancy) along the cell edge a."""
    numbers, x, occupancy = (np.array(column) for column in zip(*atoms, strict=True))
    frac = np.stack([x, 0 * x, 0 * x], axis=1)
    return merge_sites(numbers, frac, occupancy, CUBE)


@pytest.mark.parametrize(
    ("atoms", "occupancies"),
    [
        # two ions of one element: their occupancies add up
        ([(26, 0.0, 0.3), (26, 0.001, 0.7)], [1.0]),
        # one full atom listed twice, also across the cell boundary: it counts once
        ([(26, 0.0, 1.0), (26, 0.999, 1.0)], [1.0]),
        # rounded thirds: limited to 1
        ([(26, 0.0, 0.34), (26, 0.0, 0.34), (26, 0.0, 0.33)], [1.0]),
        # two elements on one site: both stay
        ([(26, 0.0, 0.4), (28, 0.0, 0.6)], [0.4, 0.6]),
        # alternatives closer than a bond: both stay
        ([(26, 0.0, 0.4), (26, 0.05, 0.6)], [0.4, 0.6]),
    ],
)
def test_atoms_of_a_site_are_merged(atoms, occupancies):
    assert merge(*atoms)[2] == pytest.approx(occupancies)


@pytest.mark.parametrize(
    ("atoms", "reason"),
    [
        # partly occupied sites that add up to more than 1
        ([(26, 0.0, 0.7), (28, 0.0, 0.6)], Reason.BAD_OCCUPANCY),
        ([(26, 0.0, 0.7), (26, 0.0, 0.6)], Reason.BAD_OCCUPANCY),
        # two full atoms on one site, and closer than a bond
        ([(26, 0.0, 1.0), (28, 0.0, 1.0)], Reason.OVERLAP),
        ([(26, 0.0, 1.0), (28, 0.06, 1.0)], Reason.OVERLAP),
    ],
)
def test_impossible_atoms_are_refused(atoms, reason):
    with pytest.raises(RefusedError) as error:
        merge(*atoms)
    assert error.value.reason is reason


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from((8, 9, 26)),
            st.integers(0, 400).map(lambda k: k / 401),
            st.floats(0.01, 0.12),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_merged_atoms_are_not_merged_again(atoms):
    once = merge(*atoms)
    again = merge_sites(*once, CUBE)
    for before, after in zip(once, again, strict=True):
        np.testing.assert_array_equal(after, before)
    assert once[2].sum() == pytest.approx(sum(share for *_, share in atoms))


@pytest.mark.parametrize(
    "lattice",
    [
        # an edge too short, too long, infinite; a flat cell
        np.diag([0.4, 5, 5]),
        np.diag([5, 5, 2e3]),
        np.diag([5, 5, np.inf]),
        np.array([[5, 0, 0], [0, 5, 0], [5, 5, 0.01]]),
    ],
)
def test_impossible_cell_is_refused(lattice):
    with pytest.raises(RefusedError) as error:
        check_cell(lattice)
    assert error.value.reason is Reason.BAD_CELL


def test_possible_cell_passes():
    check_cell(CUBE)
