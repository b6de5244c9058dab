import numpy as np
import pytest

from gromega.crystals.cif import read_crystal
from gromega.crystals.symmetry import space_group

ROCK_SALT = """\
data_halite
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {a}
_cell_angle_alpha 90
_cell_angle_beta 90
{gamma}
_symmetry_space_group_name_H-M '{group}'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Na1 {cation} 0 0 0 1
Cl1 Cl 0.5 0.5 0.5 0.9
"""
VALUES = {
    "gamma": "_cell_angle_gamma 90",
    "a": "5.6402(2)",
    "group": "F m -3 m",
    "cation": "Na",
}


def write(tmp_path, **change):
    path = tmp_path / "halite.cif"
    path.write_text(ROCK_SALT.format(**{**VALUES, **change}))
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
