"""Settings: what the symbols and numbers of files mean."""

import gemmi
import numpy as np
import pytest
from files import cif, named_cif

from gromega.crystals.io.cif import read_crystal
from gromega.crystals.io.settings import stated_number, stated_settings
from gromega.crystals.symmetry import find_symmetry

CELLS = {
    "cubic": (5, 5, 5, 90, 90, 90),
    "hexagonal": (4, 4, 7, 90, 90, 120),
    "rhombohedral": (4, 4, 4, 60, 60, 60),
    "a": (4, 5, 7, 100, 90, 90),
    "b": (4, 5, 7, 90, 100, 90),
    "c": (4, 5, 7, 90, 90, 100),
}


def lattice_of(cell):
    return np.array(gemmi.UnitCell(*CELLS[cell]).orth.mat.tolist()).T


def block_of(text):
    return gemmi.cif.read_string(text).sole_block()


def settings_of(tag, value, cell):
    block = block_of(f"data_x\n{tag} '{value}'\n")
    return [group.xhm() for group in stated_settings(block, lattice_of(cell))]


@pytest.mark.parametrize(
    ("symbol", "cell", "names"),
    [
        # the unique axis is that of the cell
        ("P 2/m", "a", ["P 2/m 1 1"]),
        ("P 2/m", "b", ["P 1 2/m 1"]),
        ("P 2/m", "c", ["P 1 1 2/m"]),
        ("P21/n", "c", ["P 1 1 21/n"]),
        ("P 21/b", "c", ["P 1 1 21/b"]),
        # but not against a full symbol
        ("P 1 2/m 1", "c", ["P 1 2/m 1"]),
        # endings of the ICSD: axes and origins
        ("R -3 m R", "hexagonal", ["R -3 m:R"]),
        ("R -3 m HR", "rhombohedral", ["R -3 m:H"]),
        ("R -3 m", "rhombohedral", ["R -3 m:R"]),
        ("R3cH", "hexagonal", ["R 3 c:H"]),
        ("F d -3 m S", "cubic", ["F d -3 m:1"]),
        ("Fd-3mZ", "cubic", ["F d -3 m:2"]),
        ("F d -3 m", "cubic", ["F d -3 m:1", "F d -3 m:2"]),
        ("R -3 m (hexagonal axes)", "hexagonal", ["R -3 m:H"]),
        # blanks between axes count
        ("P32", "hexagonal", ["P 32"]),
        ("P 3 2", "hexagonal", []),
        ("P 43 2", "cubic", []),
        # full symbols
        ("P 2/m 2/m 2/m", "cubic", ["P m m m"]),
        ("P 21/n 21/m 21/a", "cubic", ["P n m a"]),
        ("F4/m-32/m", "cubic", ["F m -3 m"]),
        ("P 63/m 2/m 2/c", "hexagonal", ["P 63/m m c"]),
        ("P -3 2/m 1", "hexagonal", ["P -3 m 1"]),
        # spelling
        ("P 2(1)/c", "b", ["P 1 21/c 1"]),
        ("P2_1 /c", "b", ["P 1 21/c 1"]),
        ("F D -3 M S", "cubic", ["F d -3 m:1"]),
        ("F m 7 m", "cubic", []),
    ],
)
def test_a_symbol_means_settings(symbol, cell, names):
    assert settings_of("_space_group_name_H-M_alt", symbol, cell) == names


@pytest.mark.parametrize(
    ("number", "cell", "names"),
    [
        ("225", "cubic", ["F m -3 m"]),
        ("227", "cubic", ["F d -3 m:1", "F d -3 m:2"]),
        ("166", "rhombohedral", ["R -3 m:R"]),
        ("10", "c", ["P 1 1 2/m"]),
        # a number that the cell excludes
        ("225", "b", []),
    ],
)
def test_a_number_means_all_settings_of_the_cell(number, cell, names):
    assert settings_of("_space_group_IT_number", number, cell) == names


def test_one_atom_is_not_the_whole_cell_because_it_has_the_group(tmp_path):
    # bismuth, rhombohedral axes: inversion makes the second atom
    crystal = read_named(tmp_path, "R -3 m", "Bi1 Bi 0.234 0.234 0.234")
    assert crystal.numbers.size == 2
    assert find_symmetry(crystal).structure_type == "A_166_c"


def test_one_mixed_site_is_not_the_whole_cell_because_it_has_the_group(tmp_path):
    # the occupancies may be populations, so the operations make no certain crystal
    site = "0.12 0.33 0.5"
    atoms = f"F1 F {site} 0.24\nHo1 Ho {site} 0.06"
    path = tmp_path / "x.cif"
    path.write_text(cif(a="10.5", group="P m -3 m", atoms=atoms))
    with pytest.raises(ValueError, match="populations"):
        read_crystal(path)


def test_listed_atoms_may_be_all_if_the_operations_repeat_them(tmp_path):
    # indium as in COD 5910133: the four atoms of an F cell, named as I
    atoms = "In 0 0 0\nIn 0.5 0.5 0\nIn 0.5 0 0.5\nIn 0 0.5 0.5"
    lines = [f"In{k} {line}" for k, line in enumerate(atoms.split("\n"))]
    text = named_cif("I 4/m m m", atoms="\n".join(lines), a="4.6", alpha="90")
    path = tmp_path / "x.cif"
    path.write_text(text.replace("_cell_length_c 4.6", "_cell_length_c 4.9"))
    assert read_crystal(path).numbers.size == 4


def test_two_atoms_that_have_the_group_by_accident_are_ambiguous(tmp_path):
    # with the operations four atoms, of a higher group
    atoms = "V1 V 0 0.25 0.25\nSi2 Si 0.5 0.667 0.75"
    text = named_cif("P m m 2", atoms=atoms, a="7.9", alpha="90")
    path = tmp_path / "x.cif"
    path.write_text(
        text.replace("length_b 7.9", "length_b 7.0").replace(
            "length_c 7.9", "length_c 7.7"
        )
    )
    with pytest.raises(ValueError, match="may be all"):
        read_crystal(path)


def read_named(tmp_path, *args, **kwargs):
    path = tmp_path / "x.cif"
    path.write_text(named_cif(*args, **kwargs))
    return read_crystal(path)


def test_origin_is_that_of_the_hall_symbol(tmp_path):
    # diamond at 1/8 of the second origin has 8 atoms, of the first 16
    facts = {"a": "3.567", "alpha": "90", "atoms": "C1 C 0.125 0.125 0.125"}
    hall = "_space_group_name_Hall '-F 4vw 2vw 3'"
    assert read_named(tmp_path, "F d -3 m", **facts, more=hall).numbers.size == 8
    # without it, the number of formula units decides, and without both the file is
    # ambiguous
    units = "_cell_formula_units_Z 8\n_chemical_formula_sum C"
    assert read_named(tmp_path, "F d -3 m", **facts, more=units).numbers.size == 8
    with pytest.raises(ValueError, match="F d -3 m:1 or F d -3 m:2"):
        read_named(tmp_path, "F d -3 m", **facts)


def test_origins_that_give_one_type_but_other_distances_are_ambiguous(tmp_path):
    # the oxygen of a spinel alone, on 32e with x of either origin
    facts = {"a": "8.1", "alpha": "90", "atoms": "O1 O 0.38 0.38 0.38"}
    with pytest.raises(ValueError, match="F d -3 m:1 or F d -3 m:2"):
        read_named(tmp_path, "F d -3 m", **facts)


def test_coordinates_of_the_other_origin_are_read_with_it(tmp_path):
    # spinel of Wyckoff's book, as in COD 5910064
    atoms = "Ni 0 0 0\nFe 0.625 0.625 0.625\nO 0.387 0.387 0.387"
    path = tmp_path / "x.cif"
    text = named_cif("F d -3 m :2", atoms, a="8.34", alpha="90")
    text = text.replace("_atom_site_type_symbol\n", "")
    path.write_text(text + "_chemical_formula_sum 'Ni Fe2 O4'\n")
    with pytest.warns(UserWarning, match="F d -3 m:1"):
        assert read_crystal(path).formula == "Fe2NiO4"


def test_possible_populations_do_not_show_another_origin(tmp_path):
    # half a site of 16, or a full one; with the other origin, half a site of 8
    path = tmp_path / "x.cif"
    text = cif("x", a="6.84", atoms="Mg1 Mg 0.75 0.75 0.25 0.5", group="I 41/a m d:1")
    text = text.replace("length_c 6.84", "length_c 10.04")
    path.write_text(text + "_chemical_formula_sum Mg8\n")
    with pytest.raises(ValueError, match="populations"):
        read_crystal(path)


@pytest.mark.parametrize(
    ("tag", "number"),
    [
        ("_space_group_IT_number 62", 62),
        ("_symmetry_Int_Tables_number 225", 225),
        ("_space_group_IT_number 1", 1),
        ("_space_group_IT_number ?", 0),
        ("_space_group_IT_number 231", 0),
    ],
)
def test_stated_number_is_one_of_a_space_group(tag, number):
    assert stated_number(block_of(f"data_x\n{tag}\n")) == number


def test_listed_operations_take_precedence_over_the_symbol(tmp_path):
    path = tmp_path / "x.cif"
    operations = "loop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z'\n'-x,-y,-z'\n"
    path.write_text(cif(atoms="Cu1 Cu 0.1 0.2 0.3 1") + operations)
    assert read_crystal(path).numbers.size == 2
