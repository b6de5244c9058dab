"""The symmetry that a CIF file states: operations, symbols, and origins."""

import gemmi
import pytest
from files import cif, named_cif

from gromega.crystals.io.cif import read_crystal
from gromega.crystals.io.cif_symmetry import stated_formula, stated_group
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
