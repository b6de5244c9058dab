"""Files made after public bug reports of other programs, each with the right answer."""

from collections import Counter
from pathlib import Path

import pytest

from gromega.crystals.crystal import nuclide_symbol
from gromega.crystals.io.cif import read_block
from gromega.crystals.io.cif_text import structure_blocks
from gromega.crystals.refusal import Reason, RefusedError
from gromega.crystals.symmetry import space_group

CASES = Path(__file__).parents[2] / "data" / "cases"


def read(name):
    (block,) = structure_blocks((CASES / name).read_bytes())
    return read_block(block)


def atoms_of(crystal):
    sums = Counter()
    for nuclide, share in zip(crystal.nuclides, crystal.occupancy, strict=True):
        sums[nuclide_symbol(int(nuclide))] += float(share)
    return dict(sums)


@pytest.mark.parametrize(
    ("name", "group", "atoms"),
    [
        # operations listed twice, as by Jana
        ("20-duplicate-operations-wc_twice.cif", 187, {"W": 1, "C": 1}),
        # labels of AMCSD: the oxygen of OA1
        ("22-mineral-labels-feldspar_labels.cif", 2, {"Ca": 2, "Si": 2, "O": 6}),
        ("22-mineral-labels-hydroxyl.cif", 6, {"Al": 1, "O": 2}),
        # types OH2 and OH of the Pauling File
        ("23-pauling-file-oh2.cif", 1, {"Zn": 1, "O": 1, "As": 1}),
        # a third in two digits, partly occupied
        ("26-rounded-special-two_digits.cif", 194, {"Zr": 2, "Li": 0.6}),
        # the unique axis is that of the cell
        ("27-unique-axis-p2m_c.cif", 10, {"Ca": 1, "O": 2}),
        # the number of a group with one setting
        ("28-symbols-only_number.cif", 225, {"Al": 4}),
        # fifths: a tetragonal cell five times as long as its primitive one
        ("29-operation-forms-fifths.cif", 123, {"Fe": 5}),
        ("30-values-uppercase_formula.cif", 167, {"Al": 12, "O": 18}),
        ("30-values-dummy.cif", 221, {"Cs": 1, "Cl": 1}),
        # D keeps its own scattering length
        ("31-deuterium-LiD.cif", 225, {"Li": 4, "D": 4}),
        ("31-deuterium-LiH.cif", 225, {"Li": 4, "H": 4}),
        # populations of FullProf
        ("32-occupancy-is-population-fullprof_symbol.cif", 221,
         {"Sr": 1, "Ti": 1, "O": 3}),
        # a magnetic structure
        ("35-mcif-and-stog-FePt.mcif", 221, {"Fe": 1, "Pt": 1}),
    ],
)  # fmt: skip
def test_a_dialect_is_read_right(name, group, atoms):
    crystal = read(name).crystal
    assert atoms_of(crystal) == pytest.approx(atoms)
    assert space_group(crystal) == group


@pytest.mark.parametrize(
    ("name", "reason", "detail"),
    [
        # both formulas are named
        ("25-formula-disagrees-no_type_forms.cif", Reason.OTHER_FORMULA,
         "OSrTi.*Sr Ti O3"),
        # rhombohedral axes on a hexagonal cell
        ("28-symbols-bi_3.cif", Reason.BAD_CELL, "11.86"),
        # the comma is named, and what to write
        ("30-values-comma.cif", Reason.BAD_CELL, "4,05.*4.05"),
    ],
)  # fmt: skip
def test_what_is_not_certain_is_refused(name, reason, detail):
    with pytest.raises(RefusedError, match=detail) as error:
        read(name)
    assert error.value.reason is reason


def test_what_is_left_out_or_converted_is_said():
    assert len(read("30-values-dummy.cif").notes) == 1
    assert len(read("32-occupancy-is-population-fullprof_symbol.cif").notes) == 1
    assert not read("31-deuterium-LiD.cif").notes
