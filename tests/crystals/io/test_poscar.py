"""POSCAR files: the variants that VASP and other programs write."""

import numpy as np
import periodictable
import pytest
from files import POSCAR
from hypothesis import given, settings
from hypothesis import strategies as st

from gromega.crystals.io.poscar import read_poscar
from gromega.crystals.refusal import Reason, RefusedError


@pytest.mark.parametrize(
    "content",
    [
        # a factor, minus a volume, three factors
        POSCAR.replace("1.0\n", "2.0\n").replace("2.82", "1.41"),
        POSCAR.replace("1.0\n", f"-{2 * 2.82**3}\n").replace("2.82", "5"),
        POSCAR.replace("1.0\n", "2.0 2.0 2.0\n").replace("2.82", "1.41"),
        # Cartesian positions, scaled as the cell is
        POSCAR.replace("1.0\n", "2.0\n")
        .replace("2.82", "1.41")
        .replace("Direct", "Cartesian")
        .replace("0.5 0.5 0.5", "1.41 1.41 1.41"),
        # numbers of Fortran
        POSCAR.replace("2.82", "0.282D+01"),
        # comments behind
        POSCAR.replace("1.0\n", "1.0 ! scale\n").replace("Na Cl", "Na Cl ! elements"),
        # selective dynamics, names of potentials, velocities below
        POSCAR.replace("Direct", "Selective dynamics\nDirect")
        .replace("0 0 0", "0 0 0 T T F")
        .replace("Na Cl", "Na_pv Cl/a1b2")
        + "\n0 0 0\n0 0 0\n",
    ],
)
def test_poscar_files_of_rock_salt(content):
    crystal = read_poscar(content.encode())
    assert crystal.numbers.tolist() == [11, 17]
    assert crystal.volume == pytest.approx(2 * 2.82**3)
    step = (crystal.frac[1] - crystal.frac[0]) % 1.0
    np.testing.assert_allclose(step, 0.5, atol=1e-9)


@settings(deadline=None)
@given(st.floats(4.0, 50.0), st.lists(st.integers(1, 94), min_size=1, max_size=8))
def test_written_file_is_read_again(edge, numbers):
    symbols = [periodictable.elements[z].symbol for z in numbers]
    frac = (np.arange(len(numbers)) / len(numbers))[:, None] * np.ones(3)
    rows = [" ".join(f"{x:.12f}" for x in row) for row in frac]
    lines = ["x", "1.0", f"{edge} 0 0", f"0 {edge} 0", f"0 0 {edge}"]
    counts = ["1"] * len(symbols)
    lines += [" ".join(symbols), " ".join(counts), "Direct", *rows]
    crystal = read_poscar("\n".join(lines).encode())
    np.testing.assert_array_equal(crystal.numbers, numbers)
    np.testing.assert_allclose(crystal.frac, frac, atol=1e-11)
    np.testing.assert_array_equal(crystal.lattice, edge * np.eye(3))


def test_elements_are_required():
    with pytest.raises(RefusedError) as error:
        read_poscar(POSCAR.replace("Na Cl\n", "").encode())
    assert error.value.reason is Reason.UNKNOWN_ELEMENT


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        # an atom in place of the mode, or an unknown mode
        (("Direct\n", ""), Reason.UNREADABLE),
        (("Direct", "Angstrom"), Reason.UNREADABLE),
        # the numbers of atoms
        (("1 1\n", "1\n"), Reason.UNREADABLE),
        (("1 1\n", "1 0\n"), Reason.UNREADABLE),
        (("1 1\n", "1 1.5\n"), Reason.UNREADABLE),
        (("1 1\n", "-1 3\n"), Reason.UNREADABLE),
        (("1 1\n", "0 0\n"), Reason.NO_ATOMS),
        # other forms of numbers, and a missing comment
        (("0.5 0.5 0.5", "0.5, 0.5, 0.5"), Reason.UNREADABLE),
        (("0.5 0.5 0.5", "0.5 0.5 nan"), Reason.NO_COORDINATES),
        ((POSCAR.partition("\n")[0] + "\n", ""), Reason.UNREADABLE),
        # no elements
        (("Na Cl", "PAW_PBE Cl"), Reason.UNKNOWN_ELEMENT),
        (("Na Cl", "Og Cl"), Reason.UNKNOWN_ELEMENT),
    ],
)
def test_a_bad_line_is_refused(change, reason):
    with pytest.raises(RefusedError) as error:
        read_poscar(POSCAR.replace(*change, 1).encode())
    assert error.value.reason is reason


def test_number_of_atoms_is_limited():
    with pytest.raises(RefusedError, match=r"2.* 1") as error:
        read_poscar(POSCAR.encode(), max_atoms=1)
    assert error.value.reason is Reason.TOO_MANY_ATOMS


@pytest.mark.parametrize(
    ("names", "nuclides"),
    [
        ("D Cl", [2001, 17]),
        ("7Li Cl", [7003, 17]),
        ("B_11 Cl", [11005, 17]),
        ("Li_sv H.5", [3, 1]),
        ("Li-sv H:up", [3, 1]),
    ],
)
def test_isotopes_keep_their_mass_numbers(names, nuclides):
    crystal = read_poscar(POSCAR.replace("Na Cl", names).encode())
    assert crystal.nuclides.tolist() == nuclides
