"""Expansion of an asymmetric unit by symmetry operations."""

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gromega.crystals.crystal import Crystal
from gromega.crystals.io.asymmetric_unit import expand_asymmetric_unit
from gromega.crystals.refusal import Reason, RefusedError
from gromega.crystals.symmetry import find_symmetry

CUBE = 5.64 * np.eye(3)
HALITE = (("Na", (0, 0, 0)), ("Cl", (0.5, 0.5, 0.5)))


def sites_of(atoms, occupancy=1.0):
    found = []
    for symbol, frac in atoms:
        site = gemmi.SmallStructure.Site()
        site.element = gemmi.Element(symbol)
        site.fract = gemmi.Fractional(*frac)
        site.occ = occupancy
        found.append(site)
    return found


def operations_of(symbol, shift=(0, 0, 0)):
    """Return the operations of a group with its origin at a point, in 1/24."""
    moved = []
    for op in gemmi.SpaceGroup(symbol).operations():
        turned = [sum(r * s for r, s in zip(row, shift, strict=True)) for row in op.rot]
        step = [s - t // op.DEN for s, t in zip(shift, turned, strict=True)]
        op.tran = [t + s for t, s in zip(op.tran, step, strict=True)]
        moved.append(op.wrap())
    return moved


@settings(deadline=None)
@given(st.tuples(*[st.integers(0, 23)] * 3))
def test_expansion_moves_with_the_origin(shift):
    step = np.array(shift) / 24
    atoms = [(symbol, tuple(np.array(frac) + step)) for symbol, frac in HALITE]
    operations = operations_of("F m -3 m", shift)
    numbers, frac, occupancy = expand_asymmetric_unit(
        sites_of(atoms), operations, CUBE, 1000
    )
    assert sorted(numbers) == [11] * 4 + [17] * 4
    crystal = Crystal("halite", CUBE, numbers, frac, occupancy)
    assert find_symmetry(crystal).structure_type == "AB_225_a_b"


def test_images_near_a_special_position_are_one_atom_on_it():
    _, frac, _ = expand_asymmetric_unit(
        sites_of([("Cu", (0.0004, 0, 0))]), operations_of("F m -3 m"), CUBE, 1000
    )
    assert frac.shape == (4, 3)
    np.testing.assert_allclose((frac[0] + 0.5) % 1.0, 0.5, atol=1e-12)


def test_images_of_a_partly_occupied_site_are_alternatives():
    atoms = sites_of([("Cu", (0.01, 0, 0))], occupancy=0.1)
    numbers, _, _ = expand_asymmetric_unit(atoms, operations_of("P m -3 m"), CUBE, 1000)
    assert len(numbers) == 6


@pytest.mark.parametrize(
    ("operations", "lattice", "reason"),
    [
        # one operation of the group is missing
        (["x,y,z", "-x,-y,z", "-x,y,-z"], CUBE, Reason.UNREADABLE),
        # a fourfold axis in an orthorhombic cell
        (["x,y,z", "-y,x,z", "-x,-y,z", "y,-x,z"], np.diag([4, 5, 6]), Reason.BAD_CELL),
    ],
)
def test_impossible_operations_are_refused(operations, lattice, reason):
    listed = [gemmi.Op(text) for text in operations]
    with pytest.raises(RefusedError) as error:
        expand_asymmetric_unit(sites_of(HALITE), listed, lattice, 1000)
    assert error.value.reason is reason


def test_limit_counts_atoms_per_lattice_point():
    general = sites_of([("C", (0.11, 0.23, 0.37))])
    operations = operations_of("F m -3 m")
    numbers, _, _ = expand_asymmetric_unit(general, operations, 9 * CUBE, 48)
    assert len(numbers) == 192
    with pytest.raises(RefusedError) as error:
        expand_asymmetric_unit(general, operations, 9 * CUBE, 47)
    assert error.value.reason is Reason.TOO_MANY_ATOMS
