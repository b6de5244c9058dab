"""CIF files: cells, atoms, occupancies and disorder."""

import gemmi
import numpy as np
import pytest
from files import cif, named_cif
from hypothesis import given, settings
from hypothesis import strategies as st

from gromega.crystals.io.cif import read_block, read_crystal
from gromega.crystals.io.cif_text import structure_blocks
from gromega.crystals.refusal import Reason, RefusedError
from gromega.crystals.symmetry import space_group

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
    ("change", "reason", "value"),
    [
        # a cell that gemmi would read as 1 Å: refused
        ({"a": "?"}, Reason.BAD_CELL, r"length_a \?"),
        # an angle that is there but unknown, or impossible: refused
        ({"gamma": "_cell_angle_gamma ?"}, Reason.BAD_CELL, r"gamma \?"),
        ({"gamma": "_cell_angle_gamma 190"}, Reason.BAD_CELL, "190"),
        # a group that does not exist: named
        ({"group": "F m 7 m"}, Reason.NO_SYMMETRY, "F m 7 m"),
        # an atom that is not an element: named
        ({"cation": "Qq"}, Reason.UNKNOWN_ELEMENT, "'Qq'"),
    ],
)
def test_bad_value_is_refused_with_file_and_block(tmp_path, change, reason, value):
    with pytest.raises(ValueError, match=rf"halite\.cif.*'halite'.*{reason}.*{value}"):
        read_crystal(write(tmp_path, **change))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        # not CIF at all: refused
        ("this is a letter\n", Reason.UNREADABLE),
        # a CIF of something else: refused
        ("data_empty\n_cell_length_a 4\n", Reason.NO_ATOMS),
    ],
)
def test_file_without_a_structure_is_refused(tmp_path, content, reason):
    path = tmp_path / "x.cif"
    path.write_text(content)
    with pytest.raises(ValueError, match=reason):
        read_crystal(path)


def test_default_angle_is_90_degrees(tmp_path):
    crystal = read_crystal(write(tmp_path, gamma=""))
    np.testing.assert_allclose(crystal.lattice, 5.6402 * np.eye(3), atol=1e-9)


@pytest.mark.parametrize(
    ("second", "occupancy"),
    [
        # two ions of an element on one site: their occupancies add up
        ("Cl2 Cl 0.5 0.5 0.5 0.1", 1.0),
        # an atom that symmetry makes is listed again: it counts once
        ("Cl2 Cl 0.5 0.5 0.5 0.9", 0.9),
    ],
)
def test_atoms_of_one_element_on_one_site_are_merged(tmp_path, second, occupancy):
    path = write(tmp_path)
    path.write_text(path.read_text() + second + "\n")
    chlorine = read_crystal(path).numbers == 17
    assert chlorine.sum() == 4
    np.testing.assert_allclose(read_crystal(path).occupancy[chlorine], occupancy)


P1 = cif(a=VALUES["a"], group="P 1", atoms="Na1 Na 0 0 0 1\nCl1 Cl 0.5 0.5 0.5 1")
ROCK_SALT = cif(
    a=VALUES["a"], group="F m -3 m", atoms="Na1 Na 0 0 0 1\nCl1 Cl 0.5 0.5 0.5 1"
)


def read_text(text):
    return read_block(structure_blocks(text.encode())[0])


def headed(text, *lines):
    return text.replace("_cell_length_a", "\n".join([*lines, "_cell_length_a"]), 1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        # an angle that the symmetry does not force
        (P1.replace("_cell_angle_gamma 90\n", ""), Reason.BAD_CELL),
        # nm and pm, and another volume
        (ROCK_SALT.replace("5.6402", "0.56402"), Reason.BAD_CELL),
        (ROCK_SALT.replace("5.6402", "564.02"), Reason.BAD_CELL),
        (headed(ROCK_SALT, "_cell_volume 1794.2"), Reason.BAD_CELL),
        # other elements than those of a formula with unknown amounts
        (headed(ROCK_SALT, "_chemical_formula_sum 'K1-x Cl'"), Reason.OTHER_FORMULA),
        # modulated structures
        (headed(ROCK_SALT, "_cell_modulation_dimension 1"), Reason.NOT_PERIODIC),
        (headed(ROCK_SALT, "_space_group_ssg_name 'F m'"), Reason.NOT_PERIODIC),
        # occupancies
        (P1.replace("0 0 0 1", "0 0 0 50%"), Reason.BAD_OCCUPANCY),
        (P1.replace("0 0 0 1", "0 0 0 -1"), Reason.BAD_OCCUPANCY),
    ],
)
def test_an_impossible_block_is_refused(text, reason):
    with pytest.raises(RefusedError) as error:
        read_text(text)
    assert error.value.reason is reason


@pytest.mark.parametrize(
    "text",
    [
        headed(ROCK_SALT, "_cell_volume 179.4(2)", "_cell_modulation_dimension 0"),
        ROCK_SALT.replace("0.5 0.5 0.5", "1/2 1/2 1/2"),
        headed(ROCK_SALT, "_chemical_formula_sum 'Na1-x Cl'"),
        headed(ROCK_SALT, "_symmetry_equiv_pos_as_xyz ?"),
        headed(ROCK_SALT, "loop_\n_symmetry_equiv_pos_as_xyz\n."),
    ],
)
def test_an_unusual_spelling_is_taken(text):
    crystal = read_text(text).crystal
    assert sorted(crystal.numbers) == [11] * 4 + [17] * 4
    assert space_group(crystal) == 225


def test_the_first_block_with_atoms_is_read(tmp_path):
    path = tmp_path / "x.cif"
    path.write_text("data_cell\n_cell_length_a 4\n" + ROCK_SALT)
    assert read_crystal(path).numbers.size == 8


@pytest.mark.parametrize(
    ("second", "formula", "sodium"),
    [
        # one atom that is listed twice, or two on one site: the formula tells
        ("Na2 Na 0 0 1 0.5", "Na1 Cl2", 0.5),
        ("Na2 Na 0 0 1 0.5", "Na Cl", 1.0),
        ("Na2 Na 0 0 1 0.5", "", None),
        ("Na2 Na 0 0 1 0.4", "", 0.9),
        # two ions
        ("Na2 Na1+ 0 0 0 0.5", "", 1.0),
    ],
)
def test_a_partial_atom_that_is_listed_twice(second, formula, sodium):
    text = P1.replace("0 0 0 1", f"0 0 0 0.5\n{second}")
    if formula:
        text = headed(text, f"_chemical_formula_sum '{formula}'")
    if sodium is None:
        with pytest.raises(RefusedError) as error:
            read_text(text)
        assert error.value.reason is Reason.BAD_OCCUPANCY
        return
    crystal = read_text(text).crystal
    assert crystal.occupancy[crystal.numbers == 11].sum() == pytest.approx(sodium)


def operations_of(symbol):
    """The operations of a group as a loop of a CIF file."""
    operations = (f"'{op.triplet()}'" for op in gemmi.SpaceGroup(symbol).operations())
    return "loop_\n_space_group_symop_operation_xyz\n" + "\n".join(operations)


def test_the_number_of_formula_units_is_compared():
    lines = (
        "_chemical_formula_sum 'Na Cl'",
        "_cell_formula_units_Z 4",
        operations_of("P m -3 m"),
    )
    with pytest.raises(RefusedError) as error:
        read_text(headed(ROCK_SALT, *lines))
    assert error.value.reason is Reason.OTHER_FORMULA


def test_pymatgen_states_the_formula_of_the_cell():
    lines = (
        "_chemical_formula_structural NaCl",
        "_chemical_formula_sum 'Na4 Cl4'",
        "_cell_formula_units_Z 4",
        operations_of("F m -3 m"),
    )
    assert read_text(headed(ROCK_SALT, *lines)).crystal.numbers.size == 8


def test_the_number_of_formula_units_shows_the_origin():
    text = headed(
        cif(a="5.43", group="F d -3 m:2", atoms="Si1 Si 0 0 0 1"),
        "_chemical_formula_sum 'Si'",
        "_cell_formula_units_Z 8",
        operations_of("F d -3 m:2"),
    )
    assert read_text(text).crystal.numbers.size == 8


def test_contradicting_symbols_are_refused():
    with pytest.raises(RefusedError) as error:
        read_text(headed(ROCK_SALT, "_space_group_name_Hall '-P 4 2 3'"))
    assert error.value.reason is Reason.NO_SYMMETRY


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_crystal(tmp_path / "nowhere.cif")


def read_named(tmp_path, *args, **kwargs):
    path = tmp_path / "x.cif"
    path.write_text(named_cif(*args, **kwargs))
    return read_crystal(path)


@pytest.mark.parametrize(
    ("atoms", "formula", "names"),
    [
        # ammonium is neither nihonium nor one atom of nitrogen
        ("NH4 NH4 0 0 0", "", "'NH4'"),
        # the hydrogen of a hydroxyl is not holmium, and its oxygen is missing
        ("Al1 Al 0 0 0\nHO1 HO1 0.5 0.5 0.5", "'Al H O'", "AlH.* Al H O"),
    ],
)
def test_misread_elements_are_refused(tmp_path, atoms, formula, names):
    more = f"_chemical_formula_sum {formula}" if formula else ""
    with pytest.raises(ValueError, match=names):
        read_named(tmp_path, "P -1", atoms, more=more)


def disordered(tmp_path, rows, tags=""):
    path = tmp_path / "x.cif"
    path.write_text(cif(a=VALUES["a"], group="P 1", atoms=tags + rows))
    return read_crystal(path)


def test_occupancies_of_a_site_are_added(tmp_path):
    with pytest.raises(ValueError, match=r"1\.5 of Na and K and Rb"):
        disordered(tmp_path, "A Na 0 0 0 0.5\nB K 0 0 0 0.5\nC Rb 0 0 0 0.5\n")
    with pytest.raises(ValueError, match=r"1\.3 of Fe"):
        disordered(tmp_path, "A Fe2+ 0 0 0 0.7\nB Fe3+ 0 0 0 0.6\n")


def test_atoms_of_one_site_have_equal_coordinates(tmp_path):
    rows = "A O 0.3053 0 0 0.5\nB F 0.3056 0 0 0.5\nC Ti 0.7 0.5 0.5 1\n"
    crystal = disordered(tmp_path, rows)
    on_site = crystal.frac[crystal.numbers != 22]
    np.testing.assert_array_equal(on_site[0], on_site[1])


def test_alternatives_are_those_of_an_assembly(tmp_path):
    tags = "_atom_site_disorder_assembly\n_atom_site_disorder_group\n"
    rows = "A Cs 0 0 0 1 . .\nB Cl 0.5 0.5 0.5 1 A 1\nC O 0.5 0 0.5 1 B 2\n"
    assert sorted(disordered(tmp_path, rows, tags).numbers) == [8, 17, 55]
    rows = "A Cs 0 0 0 1 . .\nB Cl 0.5 0.5 0.5 1 A 1\nC O 0.5 0.5 0.4 1 A 2\n"
    with pytest.warns(UserWarning, match="first"):
        assert sorted(disordered(tmp_path, rows, tags).numbers) == [17, 55]
    # an atom elsewhere is no alternative
    with pytest.raises(ValueError, match="'C'"):
        disordered(tmp_path, rows.replace("0.5 0.5 0.4", "0.5 0.5 0"), tags)


@settings(deadline=None)
@given(
    st.floats(3.0, 50.0),
    st.lists(st.tuples(st.sampled_from(("Na", "O", "Fe", "U")), st.floats(0.1, 1.0))),
)
def test_written_crystal_is_read_again(edge, atoms):
    # one atom at the origin, the others along the body diagonal
    atoms = [("Cl", 1.0), *atoms[:5]]
    frac = [k / len(atoms) for k in range(len(atoms))]
    rows = [
        f"{symbol}{k} {symbol} {x!r} {x!r} {x!r} {occupancy!r}"
        for k, ((symbol, occupancy), x) in enumerate(zip(atoms, frac, strict=True))
    ]
    text = cif("x", a=repr(edge), group="P 1", atoms="\n".join(rows))
    (block,) = structure_blocks(text.encode())
    crystal = read_block(block)[0]
    np.testing.assert_allclose(crystal.lattice, edge * np.eye(3), atol=1e-9)
    np.testing.assert_allclose(crystal.frac, np.array([frac] * 3).T, atol=1e-12)
    assert crystal.occupancy.tolist() == [occupancy for _, occupancy in atoms]
