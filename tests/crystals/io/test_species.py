"""Elements and isotopes, from type symbols and labels of many programs."""

import pytest

from gromega.crystals.io.species import DEUTERIUM, nuclide_of, species, style_of
from gromega.crystals.refusal import Reason, RefusedError


def found(kind, label, elements=(), labels=()):
    return species(kind, label, style_of(labels or [label], frozenset(elements)))


@pytest.mark.parametrize(
    ("kind", "label", "elements", "number"),
    [
        # the type first
        ("Fe3+", "Ni1", (), 26),
        ("O2-", "O1", (), 8),
        ("Fe(3+)", "Fe1", (), 26),
        ("AL", "AL1", (), 13),
        ("Cval", "C1", (), 6),
        ("Iron", "M1", (), 26),
        ("", "Potassium1", (), 19),
        # else the longest prefix that the formula has
        ("", "OA1", ("Ca", "O"), 8),
        ("", "CO1", ("C", "O"), 6),
        ("", "CO1", ("Co", "O"), 27),
        ("", "Va", ("V", "O"), 23),
        ("HO1", "HO1", ("Al", "H", "O"), 1),
        ("", "CD1", ("Cd", "S"), 48),
        ("", "CO3", ("Co", "O"), 27),
        ("", "Fe2+M1", (), 26),
        ("", "SiT1", (), 14),
        # water and hydroxyl
        ("OH2", "OH2", (), 8),
        ("H2O", "W1", (), 8),
        ("H2O", "W1", ("Ca", "H", "O"), 8),
        ("D2O", "W1", ("Ca", "D", "O"), 8),
        ("", "OH", (), 8),
        ("", "Ow1", (), 8),
        ("", "OW2", (), 8),
        ("", "Wat", (), 8),
    ],
)
def test_an_element_is_read(kind, label, elements, number):
    assert found(kind, label, elements) == [(number, 1.0)]


@pytest.mark.parametrize(
    ("kind", "label", "nuclide"),
    [
        ("D", "D1", DEUTERIUM),
        ("", "D1", DEUTERIUM),
        ("D1+", "H1", DEUTERIUM),
        ("2H", "H1", DEUTERIUM),
        ("Dy", "Dy1", 66),
        ("7Li", "Li1", 7003),
        ("", "7Li1", 7003),
        ("^60^Ni", "Ni1", 60028),
        ("B_11", "B1", 11005),
        ("Li-7", "Li1", 7003),
        # a charge, or a number of the label
        ("O-2", "O1", 8),
        ("Li7", "Li7", 3),
        # FullProf
        ("B11", "B1", 11005),
    ],
)
def test_an_isotope_is_read(kind, label, nuclide):
    assert found(kind, label) == [(nuclide, 1.0)]


@pytest.mark.parametrize(
    ("kind", "label", "formula", "nuclide"),
    [
        ("H", "D1", ("D", "O"), DEUTERIUM),
        ("H", "H1", ("D", "O"), DEUTERIUM),
        ("H", "D1", ("H", "O"), 1),
        ("H", "H1", ("H", "D", "O"), 1),
        ("Li", "Li1", ("7Li", "F"), 7003),
        ("Li", "Li1", ("7Li", "Li", "F"), 3),
    ],
)
def test_the_only_isotope_of_a_formula_is_that_of_the_atoms(
    kind, label, formula, nuclide
):
    assert found(kind, label, formula) == [(nuclide, 1.0)]


@pytest.mark.parametrize(
    ("kind", "label"),
    [("0.8Nb + 0.2Zr", "Nb,Zr"), ("Nb,Zr", "0.8Nb + 0.2Zr"), ("0.80(2)Nb+0.2Zr", "M")],
)
def test_a_mixed_type_is_a_shared_site(kind, label):
    assert found(kind, label) == [(41, 0.8), (40, 0.2)]


def test_a_part_of_a_mixed_type_may_be_charged_or_vacant():
    assert found("0.5Fe3+ + 0.5Ni2+", "M") == [(26, 0.5), (28, 0.5)]
    assert found("0.5Fe + 0.5□", "M") == [(26, 0.5)]
    assert found("0.8Nb", "M") == [(41, 0.8)]


@pytest.mark.parametrize(
    ("kind", "label", "elements"),
    [
        ("X", "Cg1", ()),
        ("Va", "Va1", ()),
        ("", "Va", ("Fe", "O")),
        ("X", "X1", ("Fe",)),
    ],
)
def test_dummies_and_vacancies_are_no_atoms(kind, label, elements):
    assert found(kind, label, elements) == []


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        ("Qq", "X1"),
        ("X", "X1"),
        ("M", "M1"),
        ("NH4", "NH4"),
        ("BF4", "B1"),
        # no element, or two
        ("Metal", "M1"),
        ("Og", "O1"),
        ("FeMg", "M1"),
        ("Fe/Mg", "M1"),
        ("Al,Si", "T1"),
        ("Fe0.5Mn0.5", "M1"),
        ("", "Ca1/Na1"),
        ("", "Ca,Na"),
        ("NO", "N1"),
        ("40Li", "Li1"),
        # two readings, and nothing that tells
        ("", "CA1"),
        ("HO", "HO1"),
        ("", "Va1"),
    ],
)
def test_what_is_not_certain_is_refused(kind, label):
    with pytest.raises(RefusedError, match=kind or label) as error:
        found(kind, label)
    assert error.value.reason is Reason.UNKNOWN_ELEMENT


@pytest.mark.parametrize(
    ("others", "number"),
    [(["CA1", "AL1"], 20), (["CA1", "SiT1"], 6)],
)
def test_other_labels_tell_how_capitals_are_meant(others, number):
    assert found("", "CA1", labels=others) == [(number, 1.0)]


def test_a_name_of_a_poscar_is_a_type():
    assert [nuclide_of(name) for name in ("D", "Li", "7Li")] == [DEUTERIUM, 3, 7003]
