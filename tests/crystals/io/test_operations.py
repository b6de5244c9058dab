"""Symmetry operations: how files write them, and the orbits that they make."""

import re

import gemmi
import numpy as np
import pytest
from files import named_cif
from hypothesis import given, settings
from hypothesis import strategies as st

from gromega.crystals.io.cif import read_crystal
from gromega.crystals.io.operations import read_operations
from gromega.crystals.refusal import Reason, RefusedError

CUBE = 5.64 * np.eye(3)
EXACT = np.full(3, 5e-7)


def operations_of(symbol, shift=(0, 0, 0)):
    """Return the operations of a group with its origin at a point, in 1/24."""
    moved = []
    for op in gemmi.SpaceGroup(symbol).operations():
        turned = [sum(r * s for r, s in zip(row, shift, strict=True)) for row in op.rot]
        step = [s - t // op.DEN for s, t in zip(shift, turned, strict=True)]
        op.tran = [t + s for t, s in zip(op.tran, step, strict=True)]
        moved.append(op.wrap().triplet())
    return read_operations(tuple(moved))


@pytest.mark.parametrize(
    ("text", "column", "translation"),
    [
        ("x,y,z+1/5", (0, 0, 1), (0, 0, 0.2)),
        ("x, y, 0.333+z", (0, 0, 1), (0, 0, 1 / 3)),
        ("X,Y,+Z+.25", (0, 0, 1), (0, 0, 0.25)),
        ("-1/2-x,y,-z", (0, 0, -1), (-0.5, 0, 0)),
        # of magnetic structures: the time reversal is left out
        ("x,y,-z,-1", (0, 0, -1), (0, 0, 0)),
    ],
)
def test_an_operation_is_read(text, column, translation):
    fifths = ["x,y,z", *(f"x,y,z+{k}/5" for k in range(1, 5))]
    group = {
        # the smallest group with the operation
        "x,y,z+1/5": fifths,
        "x, y, 0.333+z": ["x,y,z", "x,y,z+1/3", "x,y,z+2/3"],
        "X,Y,+Z+.25": ["x,y,z", "x,y,z+1/4", "x,y,z+1/2", "x,y,z+3/4"],
        "-1/2-x,y,-z": ["x,y,z", "-x+1/2,y,-z"],
        "x,y,-z,-1": ["x,y,z,+1", "x,y,-z,-1"],
    }[text]
    # it repeats one of the group
    found = read_operations((*group, text))
    assert len(found.rotations) == len(group)
    alone = [
        k
        for k, t in enumerate(found.translations)
        if np.allclose((t - translation) % 1.0 % 1.0, 0, atol=1e-9)
        and tuple(found.rotations[k][:, 2].tolist()) == column
    ]
    assert len(alone) == 1


@pytest.mark.parametrize("text", ["x,y", "x,y,z,q", "a+b,y,z", "x,y/0,z", "x,y,1/0"])
def test_what_is_no_operation_is_named(text):
    with pytest.raises(RefusedError, match=re.escape(text)) as error:
        read_operations(("x,y,z", text))
    assert error.value.reason is Reason.UNREADABLE


@pytest.mark.parametrize(
    "operations",
    [
        # one is missing
        "x,y,z\n-x,-y,z\n-x,y,-z",
        # they generate an infinite group
        "x,y,z\nx+y,y,z\ny,z,x+1/24",
    ],
)
def test_operations_that_are_not_a_group_are_refused(tmp_path, operations):
    path = tmp_path / "x.cif"
    more = f"loop_\n_space_group_symop_operation_xyz\n{operations}\n"
    path.write_text(named_cif("P 2 2 2", "Bi1 Bi 0.1 0.2 0.3", alpha="90", more=more))
    with pytest.raises(ValueError, match="not a group"):
        read_crystal(path)


def test_centrings_multiply_the_operations():
    group = read_operations(("x,y,z,+1", "-x,-y,-z,-1"), ("x,y,z,+1", "x,y,z+1/2,-1"))
    assert len(group.rotations) == 4
    assert group.centring == 2


@settings(deadline=None)
@given(st.tuples(*[st.integers(0, 23)] * 3))
def test_an_orbit_moves_with_the_origin(shift):
    group = operations_of("F m -3 m", shift)
    orbit = group.orbit(np.array(shift) / 24, EXACT, True, CUBE)
    steps = (orbit - np.array(shift) / 24) % 1.0 % 1.0
    halves = np.round(2 * steps).astype(int) % 2
    assert sorted(map(tuple, halves.tolist())) == [
        (0, 0, 0),
        (0, 1, 1),
        (1, 0, 1),
        (1, 1, 0),
    ]


def test_images_of_a_full_site_near_a_special_position_are_one_atom_on_it():
    site = np.array([0.0004, 0, 0])
    orbit = operations_of("F m -3 m").orbit(site, EXACT, True, CUBE)
    assert orbit.shape == (4, 3)
    np.testing.assert_allclose((orbit[0] + 0.5) % 1.0, 0.5, atol=1e-12)


@pytest.mark.parametrize(
    ("symbol", "site", "digits", "m"),
    [
        # a third in two digits, rounded: on the threefold axes
        ("P 63/m m c", (0.33, 0.67, 0.25), 2, 2),
        # in four digits, 0.33 is no third
        ("P 63/m m c", (0.33, 0.67, 0.25), 4, 6),
        # but 0.3330 and 0.3335 are: their images are not two atoms
        ("P 63/m m c", (0.3330, 0.6670, 0.25), 4, 2),
        ("P 63/m m c", (0.3335, 0.6665, 0.25), 4, 2),
        # x, 2x in two digits
        ("P 63/m m c", (0.17, 0.33, 0.25), 2, 6),
        # near the centre, but not within the digits: alternatives
        ("P m -3 m", (0.01, 0, 0), 2, 6),
        ("P m -3 m", (0.004, 0, 0), 2, 1),
        ("P m -3 m", (0.004, 0, 0), 3, 6),
        # a general position
        ("P m -3 m", (0.11, 0.23, 0.37), 2, 48),
    ],
)
def test_a_partly_occupied_site_is_special_within_its_digits(symbol, site, digits, m):
    lattice = 5 * np.eye(3)
    if "63" in symbol:
        cell = gemmi.UnitCell(5.03, 5.03, 8.1, 90, 90, 120)
        lattice = np.array(cell.orth.mat.tolist()).T
    errors = np.full(3, 0.5 * 10.0**-digits)
    orbit = operations_of(symbol).orbit(np.array(site), errors, False, lattice)
    assert len(orbit) == m


def test_atoms_farther_apart_than_an_overlap_are_two():
    # x, 2x within two digits, but the images are 0.5 Å apart in the larger cell
    site, errors = np.array([0.17, 0.33, 0.25]), np.full(3, 0.005)
    group = operations_of("P 63/m m c")
    for a, m in ((5, 6), (90, 12)):
        cell = gemmi.UnitCell(a, a, 8.1, 90, 90, 120)
        lattice = np.array(cell.orth.mat.tolist()).T
        assert len(group.orbit(site, errors, False, lattice)) == m
