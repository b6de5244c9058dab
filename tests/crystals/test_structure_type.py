"""Structure types: the same for the same arrangement, however it is described."""

import numpy as np
import pytest

from gromega.crystals.crystal import Crystal
from gromega.crystals.structure_type import (
    anonymous_formula,
    atoms_of_type,
    closure,
    structure_type,
)
from gromega.crystals.symmetry import find_symmetry
from gromega.crystals.wyckoff import wyckoff

CUBE = 4.0 * np.eye(3)
FCC = [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]


def on_fcc(*shifts):
    return np.concatenate([np.array(FCC) + shift for shift in shifts])


def rock_salt(first, second):
    return Crystal("x", CUBE, [first] * 4 + [second] * 4, on_fcc(0, 0.5))


@pytest.mark.parametrize(
    ("crystal", "key"),
    [
        # rock salt, of whatever elements, whichever is at the origin
        (rock_salt(11, 17), "AB_225_a_b"),
        (rock_salt(17, 11), "AB_225_a_b"),
        (rock_salt(12, 8), "AB_225_a_b"),
        # zincblende: a and c, a quarter of the diagonal apart, or a and d
        (Crystal("x", CUBE, [30] * 4 + [16] * 4, on_fcc(0, 0.25)), "AB_216_a_c"),
        (Crystal("x", CUBE, [30] * 4 + [16] * 4, on_fcc(0, 0.75)), "AB_216_a_c"),
        # fluorite: the single one first
        (
            Crystal("x", CUBE, [9] * 8 + [20] * 4, on_fcc(0.25, 0.75, 0)),
            "AB2_225_a_c",
        ),
        # copper, and Cu-Au with both on one site: the same type
        (Crystal("x", CUBE, [29] * 4, FCC), "A_225_a"),
        (
            Crystal("x", CUBE, [29] * 4 + [79] * 4, FCC + FCC, [0.5] * 8),
            "A_225_a",
        ),
        # Cs on all of bcc, and on half of it by occupancy: two kinds of site
        (
            Crystal("x", CUBE, [55] * 2, [[0, 0, 0], [0.5] * 3], [1, 0.5]),
            "AB_221_a_b",
        ),
    ],
)
def test_known_types(crystal, key):
    assert find_symmetry(crystal).structure_type == key


def test_types_are_those_of_textbooks(classics):
    types = {c.id: find_symmetry(c).structure_type for c in classics}
    # Strukturbericht A1, A2, A3, A4, B1, B2, B3, B4, C4, E2_1
    known = {
        "nickel": "A_225_a",
        "iron": "A_229_a",
        "magnesium": "A_194_c",
    }
    assert known.items() <= types.items()


def test_description_does_not_matter(classics, generator):
    # another origin, another cell, more of it, atoms in another order
    for crystal in classics:
        change = np.array([[1, 1, 0], [0, 1, 0], [0, 1, 2]])
        shifts = np.array([[0, 0, 0], [0, 0, 1.0]])
        frac = (crystal.frac[None] + shifts[:, None]).reshape(-1, 3)
        frac = (frac + generator.random(3)) @ np.linalg.inv(change)
        order = generator.permutation(len(frac))
        other = Crystal(
            crystal.id,
            change @ crystal.lattice,
            np.tile(crystal.numbers, 2)[order],
            frac[order],
            np.tile(crystal.occupancy, 2)[order],
        )
        one, again = find_symmetry(crystal), find_symmetry(other)
        assert again.structure_type == one.structure_type, crystal.id
        assert again.space_group == one.space_group
        assert again.primitive.numbers.size == one.primitive.numbers.size
        assert again.primitive.volume == pytest.approx(one.primitive.volume, rel=1e-5)
        assert again.primitive.density == pytest.approx(crystal.density, rel=1e-5)


def test_a_type_knows_the_atoms_of_its_primitive_cell(classics):
    for crystal in classics:
        found = find_symmetry(crystal)
        # a site that elements share counts once
        n = found.primitive.occupancy.sum()
        assert atoms_of_type(found.structure_type) == n, crystal.id
    # the letters of group 47 end with A
    assert atoms_of_type("AB2_136_a_f") == 6
    assert atoms_of_type("ABC_47_2A_a_3l") == 16 + 1 + 6


def test_a_formula_without_names_has_the_ratios():
    assert anonymous_formula([8, 4]) == "AB2"
    assert anonymous_formula([3]) == "A"
    assert anonymous_formula([2, 6, 3]) == "A2B3C6"


def test_orbits_on_one_letter_are_counted():
    kinds, orbits = ["Ti", "O", "O", "O"], [0, 1, 1, 3]
    assert structure_type(62, kinds, orbits, "cccc") == "AB3_62_c_2c"


def test_letters_are_exchanged_as_the_tables_say():
    # International Tables A, Euclidean normalizers: number of ways to describe a
    # structure, from the letters of special positions
    assert len(closure("abcd", ["bacd"])) == 2
    expected = {62: 2, 216: 8, 221: 2, 225: 2, 227: 2, 229: 1, 2: 1344, 47: 48}
    for group, n in expected.items():
        positions, exchanges = wyckoff(group)
        assert len(closure("".join(positions), exchanges)) == n


def test_mirror_images_are_of_one_type():
    # quartz, in 154 and, inverted, in 152
    lattice = [[4.914, 0, 0], [-2.457, 4.2556, 0], [0, 0, 5.406]]
    si, o = np.array([0.4697, 0, 0]), np.array([0.4133, 0.2672, 0.1188])
    third = np.array([0, 0, 1 / 3])

    def rotated(x):
        return np.array([-x[1], x[0] - x[1], x[2]])

    def flipped(x):
        return np.array([x[1], x[0], -x[2]])

    def orbit(x, sign):
        turned = [x, rotated(x) + sign * third, rotated(rotated(x)) + 2 * sign * third]
        every = np.array([*turned, *map(flipped, turned)]) % 1
        return np.unique(every.round(9), axis=0)

    found = []
    for sign in (1, -1):
        silicon, oxygen = orbit(si, sign), orbit(o * [1, 1, sign], sign)
        frac = np.concatenate([silicon, oxygen])
        numbers = [14] * len(silicon) + [8] * len(oxygen)
        found.append(find_symmetry(Crystal("q", lattice, numbers, frac)))
    assert {each.space_group for each in found} == {152, 154}
    assert found[0].structure_type == found[1].structure_type
