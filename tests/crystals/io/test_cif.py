import numpy as np
import pytest
from files import cif

from gromega.crystals.io.cif import read_crystal
from gromega.crystals.symmetry import find_symmetry, space_group

VALUES = {
    "gamma": "_cell_angle_gamma 90",
    "a": "5.6402(2)",
    "group": "F m -3 m",
    "cation": "Na",
}


def write(tmp_path, **change):
    path = tmp_path / "halite.cif"
    values = {**VALUES, **change}
    atoms = f"Na1 {values['cation']} 0 0 0 1\nCl1 Cl 0.5 0.5 0.5 0.9"
    content = cif(a=values["a"], group=values["group"], atoms=atoms)
    path.write_text(content.replace("_cell_angle_gamma 90", values["gamma"]))
    return path


def test_symmetry_is_expanded_to_the_full_cell(tmp_path):
    crystal = read_crystal(write(tmp_path))
    assert crystal.id == "halite"
    assert sorted(crystal.numbers) == [11] * 4 + [17] * 4
    np.testing.assert_allclose(crystal.lattice, 5.6402 * np.eye(3), atol=1e-9)
    assert set(crystal.occupancy) == {1.0, 0.9}
    assert space_group(crystal) == 225


@pytest.mark.parametrize(
    ("change", "message"),
    [
        # a cell that gemmi would read as 1 Å: refused
        ({"a": "?"}, "halite.cif, block 'halite': cell missing or imp"),
        # an angle that is there but unknown: refused
        ({"gamma": "_cell_angle_gamma ?"}, "cell missing or impossible"),
        ({"gamma": "_cell_angle_gamma 190"}, "cell missing or impossible"),
        # a group that does not exist: refused
        ({"group": "F m 7 m"}, "the space group is not known: F m 7 m"),
        # an atom that is no element: named
        ({"cation": "Qq"}, "unknown element: 'Qq'"),
    ],
)
def test_bad_values_are_refused_with_file_and_block(tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        read_crystal(write(tmp_path, **change))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        # not CIF at all: refused
        ("this is a letter\n", "not a CIF file"),
        # a CIF of something else: refused
        ("data_empty\n_cell_length_a 4\n", "no atoms"),
    ],
)
def test_files_without_a_structure_are_refused(tmp_path, content, message):
    path = tmp_path / "x.cif"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        read_crystal(path)


def test_an_angle_that_is_left_out_is_a_right_one(tmp_path):
    crystal = read_crystal(write(tmp_path, gamma=""))
    np.testing.assert_allclose(crystal.lattice, 5.6402 * np.eye(3), atol=1e-9)


@pytest.mark.parametrize(
    ("second", "occupancy"),
    [
        # two ions of an element on one place: their occupancies add up
        ("Cl2 Cl 0.5 0.5 0.5 0.1", 1.0),
        # an atom that symmetry makes, listed again: one atom as it was
        ("Cl2 Cl 0.5 0.5 0.5 0.9", 0.9),
    ],
)
def test_atoms_of_an_element_on_one_place_are_one(tmp_path, second, occupancy):
    path = write(tmp_path)
    path.write_text(path.read_text() + second + "\n")
    chlorine = read_crystal(path).numbers == 17
    assert chlorine.sum() == 4
    np.testing.assert_allclose(read_crystal(path).occupancy[chlorine], occupancy)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.cif: there is no such file"):
        read_crystal(tmp_path / "nowhere.cif")


TRICLINIC = """\
data_x
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {a}
_cell_angle_alpha {alpha}
_cell_angle_beta {alpha}
_cell_angle_gamma {alpha}
{more}
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
{atoms}
"""


def named(tmp_path, symbol, atoms, a="4.75", alpha="57.2", more=""):
    path = tmp_path / "x.cif"
    tags = f"_space_group_name_H-M_alt '{symbol}'\n{more}"
    path.write_text(TRICLINIC.format(a=a, alpha=alpha, atoms=atoms, more=tags))
    return read_crystal(path)


def test_one_atom_is_not_the_whole_cell_because_it_has_the_group(tmp_path):
    # bismuth, rhombohedral axes: inversion makes the second atom
    crystal = named(tmp_path, "R -3 m", "Bi1 Bi 0.234 0.234 0.234")
    assert crystal.numbers.size == 2
    assert find_symmetry(crystal).structure_type == "A_166_c"


def test_origin_is_that_of_the_hall_symbol(tmp_path):
    # diamond at 1/8 of the second origin has 8 atoms, of the first 16
    facts = {"a": "3.567", "alpha": "90", "atoms": "C1 C 0.125 0.125 0.125"}
    hall = "_space_group_name_Hall '-F 4vw 2vw 3'"
    assert named(tmp_path, "F d -3 m", **facts, more=hall).numbers.size == 8
    # without it, the number of formula units tells; without that, nothing does
    units = "_cell_formula_units_Z 8\n_chemical_formula_sum C"
    assert named(tmp_path, "F d -3 m", **facts, more=units).numbers.size == 8
    with pytest.raises(ValueError, match="two origins are possible"):
        named(tmp_path, "F d -3 m", **facts)


@pytest.mark.parametrize(
    ("atoms", "formula", "message"),
    [
        # ammonium is no nihonium
        ("NH4 NH4 0 0 0", "", "'NH4' read as Nh"),
        # the hydrogen of a hydroxyl is no holmium
        ("Al1 Al 0 0 0\nHO1 HO1 0.5 0.5 0.5", "'Al H O'", "read as Ho"),
    ],
)
def test_misread_elements_are_refused(tmp_path, atoms, formula, message):
    more = f"_chemical_formula_sum {formula}" if formula else ""
    with pytest.raises(ValueError, match=message):
        named(tmp_path, "P -1", atoms, more=more)


@pytest.mark.parametrize(
    "operations",
    [
        # one is missing
        "x,y,z\n-x,-y,z\n-x,y,-z",
        # they generate ever more
        "x,y,z\nx+y,y,z\ny,z,x+1/24",
    ],
)
def test_operations_that_are_no_group_are_refused(tmp_path, operations):
    more = f"loop_\n_space_group_symop_operation_xyz\n{operations}\n"
    with pytest.raises(ValueError, match="the symmetry operations are no group"):
        named(tmp_path, "P 2 2 2", "Bi1 Bi 0.1 0.2 0.3", alpha="90", more=more)


def disordered(tmp_path, rows, tags=""):
    path = tmp_path / "x.cif"
    path.write_text(cif(a=VALUES["a"], group="P 1", atoms=tags + rows))
    return read_crystal(path)


def test_occupancies_of_three_on_one_place_are_added(tmp_path):
    with pytest.raises(ValueError, match=r"1\.5 of Na and K and Rb on one place"):
        disordered(tmp_path, "A Na 0 0 0 0.5\nB K 0 0 0 0.5\nC Rb 0 0 0 0.5\n")
    with pytest.raises(ValueError, match=r"1\.3 of Fe on one place"):
        disordered(tmp_path, "A Fe2+ 0 0 0 0.7\nB Fe3+ 0 0 0 0.6\n")


def test_atoms_of_one_place_are_on_one_position(tmp_path):
    rows = "A O 0.3053 0 0 0.5\nB F 0.3056 0 0 0.5\nC Ti 0.7 0.5 0.5 1\n"
    crystal = disordered(tmp_path, rows)
    on_place = crystal.frac[crystal.numbers != 22]
    np.testing.assert_array_equal(on_place[0], on_place[1])


def test_alternatives_are_those_of_an_assembly(tmp_path):
    tags = "_atom_site_disorder_assembly\n_atom_site_disorder_group\n"
    rows = "A Cs 0 0 0 1 . .\nB Cl 0.5 0.5 0.5 1 A 1\nC O 0.5 0 0.5 1 B 2\n"
    assert sorted(disordered(tmp_path, rows, tags).numbers) == [8, 17, 55]
    rows = "A Cs 0 0 0 1 . .\nB Cl 0.5 0.5 0.5 1 A 1\nC O 0.5 0.5 0.4 1 A 2\n"
    assert sorted(disordered(tmp_path, rows, tags).numbers) == [17, 55]
