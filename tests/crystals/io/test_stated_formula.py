"""The formula of a file, and whether the atoms have it."""

import gemmi
import numpy as np
import pytest

from gromega.crystals.crystal import Crystal
from gromega.crystals.io.stated_formula import agrees, formula_units, stated_formulas


def stated(**tags):
    lines = "\n".join(f"_chemical_formula_{tag} '{text}'" for tag, text in tags.items())
    block = gemmi.cif.read_string(f"data_x\n{lines}\n").sole_block()
    return stated_formulas(block)[1]


@pytest.mark.parametrize(
    ("tags", "first"),
    [
        ({"sum": "Fe0.95(2) O1"}, {"Fe": 0.95, "O": 1}),
        ({"sum": "AL2 O3"}, {"Al": 2, "O": 3}),
        ({"sum": "?", "moiety": "2(Na 1+), C O3 2-"}, {"Na": 2, "C": 1, "O": 3}),
        ({"structural": "Ca (C O3)"}, {"Ca": 1, "C": 1, "O": 3}),
        ({"sum": "7Li1 F1"}, {"7Li": 1, "F": 1}),
        ({"sum": "11B N"}, {"11B": 1, "N": 1}),
        ({"sum": "a mineral"}, None),
        ({}, None),
    ],
)
def test_a_formula_is_read(tags, first):
    found = stated(**tags)
    assert (found[0] if found else None) == first


def crystal_of(**amounts):
    numbers, occupancy = [], []
    for symbol, amount in amounts.items():
        whole = int(np.ceil(amount))
        numbers += [gemmi.Element(symbol).atomic_number] * whole
        occupancy += [amount / whole] * whole
    frac = np.linspace(0, 0.9, len(numbers))[:, None] * np.ones(3)
    return Crystal("x", 9 * np.eye(3), numbers, frac, occupancy)


@pytest.mark.parametrize(
    ("text", "amounts", "same"),
    [
        # the scale is free, and hydrogen is left out
        ("Ca C O3", {"Ca": 2, "C": 2, "O": 6}, True),
        ("Ca H2 O2", {"Ca": 1, "O": 2}, True),
        ("Li D", {"Li": 4, "H": 4}, True),
        # hydrides have theirs, and no crystal has more
        ("Zr H2", {"Zr": 1, "H": 1}, False),
        ("Li H", {"Li": 1}, False),
        ("Na Cl", {"Na": 1, "Cl": 1, "H": 1}, False),
        ("C10 H8", {"C": 10}, True),
        # rounding
        ("Fe0.9 O", {"Fe": 0.947, "O": 1}, True),
        ("Fe1.98 O3", {"Fe": 2, "O": 3}, True),
        # faults of public collections
        ("B N", {"B": 4, "N": 2}, False),
        ("Sr Ti O3", {"Sr": 1, "Ti": 1, "O": 1}, False),
        ("K Cl O4", {"K": 1, "Cl": 1, "O": 6}, False),
        # an atom of ten is missing
        ("Ti O10", {"Ti": 1, "O": 9}, False),
        # an element is missing, or too many
        ("Sr Ti O3", {"Sr": 1, "O": 3}, False),
        ("Sr O", {"Sr": 1, "O": 1, "Ti": 1}, False),
        # a trace of one
        ("Fe Ni0.004 S2", {"Fe": 1, "S": 2}, True),
    ],
)
def test_a_formula_agrees_but_for_scale_and_rounding(text, amounts, same):
    (formula,) = stated(sum=text)
    assert agrees(formula, crystal_of(**amounts)) is same


def test_formula_units_are_counted_without_hydrogen():
    (formula,) = stated(sum="Ca H2 O2")
    assert formula_units(formula, crystal_of(Ca=2, O=4)) == pytest.approx(2)


def test_hydrogen_counts_if_it_is_asked_for():
    (formula,) = stated(sum="Ca H2 O2")
    assert not agrees(formula, crystal_of(Ca=1, O=2, H=1), hydrogen=True)
