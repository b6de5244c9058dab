"""The symmetry that a CIF file states: operations, symbols, and origins."""

import gemmi
import numpy as np
import pytest
from files import cif, named_cif
from hypothesis import given, settings
from hypothesis import strategies as st

from gromega.crystals.crystal import Crystal
from gromega.crystals.io.cif import read_crystal
from gromega.crystals.io.cif_symmetry import (
    expand_asymmetric_unit,
    stated_formula,
    stated_group,
)
from gromega.crystals.refusal import Reason, RefusedError
from gromega.crystals.symmetry import find_symmetry


def read_named(tmp_path, *args, **kwargs):
    path = tmp_path / "x.cif"
    path.write_text(named_cif(*args, **kwargs))
    return read_crystal(path)


def test_one_atom_is_not_the_whole_cell_because_it_has_the_group(tmp_path):
    # bismuth, rhombohedral axes: inversion makes the second atom
    crystal = read_named(tmp_path, "R -3 m", "Bi1 Bi 0.234 0.234 0.234")
    assert crystal.numbers.size == 2
    assert find_symmetry(crystal).structure_type == "A_166_c"


def test_origin_is_that_of_the_hall_symbol(tmp_path):
    # diamond at 1/8 of the second origin has 8 atoms, of the first 16
    facts = {"a": "3.567", "alpha": "90", "atoms": "C1 C 0.125 0.125 0.125"}
    hall = "_space_group_name_Hall '-F 4vw 2vw 3'"
    assert read_named(tmp_path, "F d -3 m", **facts, more=hall).numbers.size == 8
    # without it, the number of formula units decides, and without both the file is
    # ambiguous
    units = "_cell_formula_units_Z 8\n_chemical_formula_sum C"
    assert read_named(tmp_path, "F d -3 m", **facts, more=units).numbers.size == 8
    with pytest.raises(ValueError, match="two origins"):
        read_named(tmp_path, "F d -3 m", **facts)


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
    more = f"loop_\n_space_group_symop_operation_xyz\n{operations}\n"
    with pytest.raises(ValueError, match="not a group"):
        read_named(tmp_path, "P 2 2 2", "Bi1 Bi 0.1 0.2 0.3", alpha="90", more=more)


def block_of(text):
    return gemmi.cif.read_string(text).sole_block()


def test_formula_is_read_by_atomic_number():
    block = block_of("data_x\n_chemical_formula_sum 'Fe0.95 O Qq2'\n")
    assert stated_formula(block) == {26: 0.95, 8: 1.0}


@pytest.mark.parametrize(
    ("tag", "number"),
    [
        # a number: used
        ("_space_group_IT_number 62", 62),
        ("_symmetry_Int_Tables_number 225", 225),
        # P1: states nothing
        ("_space_group_IT_number 1", 0),
        # no number: none
        ("_space_group_IT_number ?", 0),
    ],
)
def test_stated_group_is_a_number_above_1(tag, number):
    assert stated_group(block_of(f"data_x\n{tag}\n"), []) == number


def test_symbol_states_the_group_if_there_is_no_number():
    named = [gemmi.find_spacegroup_by_name("P n m a")]
    assert stated_group(block_of("data_x\n_cell_length_a 1\n"), named) == 62


def test_listed_operations_take_precedence_over_the_symbol(tmp_path):
    path = tmp_path / "x.cif"
    operations = "loop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z'\n'-x,-y,-z'\n"
    path.write_text(cif(atoms="Cu1 Cu 0.1 0.2 0.3 1") + operations)
    assert read_crystal(path).numbers.size == 2


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
