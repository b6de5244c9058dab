import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gromega.crystals.composition import Compositions, nuclide, parse_composition
from gromega.crystals.formula import display_formula
from gromega.crystals.read_formula import spellings


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("SrTiO3", {"Sr": 1, "Ti": 1, "O": 3}),
        ("Ba0.9Sr.1 Ti O3.0", {"Ba": 0.9, "Sr": 0.1, "Ti": 1, "O": 3}),
        ("D2O", {"D": 2, "O": 1}),
        ("Fe1.2e+03He", {"Fe": 1200, "He": 1}),
        ("CH3CH2OH", {"C": 2, "H": 6, "O": 1}),
        ("Ca5(PO4)3OH", {"Ca": 5, "P": 3, "O": 13, "H": 1}),
        ("CuSO4.5H2O", {"Cu": 1, "S": 1, "O": 9, "H": 10}),
        ("CaSO4 · H2O", {"Ca": 1, "S": 1, "O": 5, "H": 2}),
        ("CaSO4.0.5H2O", {"Ca": 1, "S": 1, "O": 4.5, "H": 1}),
        ("CaSO4·0.5H2O", {"Ca": 1, "S": 1, "O": 4.5, "H": 1}),
        ("Al2O3·2SiO2·2H2O", {"Al": 2, "Si": 2, "O": 9, "H": 4}),
        ("Al2O3⋅2SiO2∙2H2O", {"Al": 2, "Si": 2, "O": 9, "H": 4}),
        ("K2[PtCl6]", {"K": 2, "Pt": 1, "Cl": 6}),
        ("SrTiO₃", {"Sr": 1, "Ti": 1, "O": 3}),
        ("C 10 H 8", {"C": 10, "H": 8}),
        ("La 0.7 Sr 0.3 Mn O 3", {"La": 0.7, "Sr": 0.3, "Mn": 1, "O": 3}),
        ("Ca (OH) 2", {"Ca": 1, "O": 2, "H": 2}),
        ("MgSO4 7H2O", {"Mg": 1, "S": 1, "O": 11, "H": 14}),
        ("MgSO4 7 H2O", {"Mg": 1, "S": 1, "O": 11, "H": 14}),
        ("MgSO4 . 7 D2O", {"Mg": 1, "S": 1, "O": 11, "D": 14}),
        ("CaSO4 0.5H2O", {"Ca": 1, "S": 1, "O": 4.5, "H": 1}),
        ("CaSO4 1/2H2O", {"Ca": 1, "S": 1, "O": 4.5, "H": 1}),
        ("3CaO Al2O3", {"Ca": 3, "O": 6, "Al": 2}),
        ("Pb(Mg1/3Nb2/3)O3", {"Pb": 1, "Mg": 1 / 3, "Nb": 2 / 3, "O": 3}),
        ("TIO2", {"Ti": 1, "O": 2}),
        ("AL2 O3", {"Al": 2, "O": 3}),
        ("KNO3", {"K": 1, "N": 1, "O": 3}),
        ("CO2", {"C": 1, "O": 2}),
        ("[7Li]F", {"7Li": 1, "F": 1}),
        ("⁷Li2O", {"7Li": 2, "O": 1}),
        ("^60^Ni O", {"60Ni": 1, "O": 1}),
        ("[2H]2O", {"D": 2, "O": 1}),
        ("Fe((CN)2(H2O)0.5)3", {"Fe": 1, "C": 6, "N": 6, "H": 3, "O": 1.5}),
    ],
)
def test_a_composition_is_counted(text, amounts):
    assert parse_composition(text) == pytest.approx(amounts)


@pytest.mark.parametrize(
    ("text", "offender"),
    [
        # no element symbol: the text is named
        ("", "''"),
        ("srtio3", "'srtio3'"),
        # a bracket without its end: the text is named
        ("Ca(OH", r"'Ca\(OH'"),
        # an empty bracket, a dot without a number, a charge: likewise
        ("()3", r"'\(\)3'"),
        ("(O).", r"'\(O\)\.'"),
        ("Na+Cl-", "'Na"),
        # a symbol of no element, and of one without crystals: named
        ("Qq2", "'Qq2'"),
        ("RfO2", "Rf"),
        # capitals that have two meanings
        ("SIO2", "'SIO2'"),
        ("CUO", "'CUO'"),
        ("CO", "'CO'"),
        ("CACO3", "'CACO3'"),
        # a temperature or a word behind the formula
        ("PbTe 300", "'PbTe 300'"),
        ("Pb Te 300", "'Pb Te 300'"),
        ("PbTe 300K", "'PbTe 300K'"),
        ("SrTiO3 5 K", "'SrTiO3 5 K'"),
        # a multiple of one element of several
        ("2 Na Cl", "'2 Na Cl'"),
        # an isotope that does not exist
        ("[40Li]F", "40"),
        # no atoms, too many atoms, too many characters
        ("H0", "'H0'"),
        ("H" + 400 * "9", "'H99"),
        ("H" + 1000 * "9", "1001"),
    ],
)
def test_text_that_is_not_a_composition_is_refused(text, offender):
    with pytest.raises(ValueError, match=offender):
        parse_composition(text)


def test_many_open_brackets_are_refused():
    with pytest.raises(ValueError, match="composition"):
        parse_composition(100 * "(" + "H" + 99 * ")")


SYMBOLS = ("H", "C", "N", "O", "Na", "Ti", "Fe", "Sr", "La", "Pb", "U")
amounts = st.dictionaries(
    st.sampled_from(SYMBOLS), st.integers(1, 999), min_size=1, max_size=5
)


def written(parts):
    return "".join(f"{s}{n if n > 1 else ''}" for s, n in sorted(parts.items()))


def test_a_nuclide_keeps_its_scattering_length():
    assert nuclide("7Li").neutron.b_c == pytest.approx(-2.22)
    assert nuclide("D").neutron.b_c == pytest.approx(6.674)
    assert nuclide("Li").neutron.b_c == pytest.approx(-1.90)


def readable(parts):
    """Return whether the written formula has one meaning."""
    return len(spellings(written(parts))) == 1


@settings(deadline=None)
@given(amounts.filter(readable))
def test_written_amounts_are_parsed(parts):
    assert parse_composition(written(parts)) == pytest.approx(parts)


@settings(deadline=None)
@given(amounts, st.integers(0, 3), st.sampled_from(["", " "]))
def test_amounts_are_parsed_with_blanks(parts, times, blank):
    text = " ".join(f"{s}{blank}{n}" for s, n in parts.items())
    assert parse_composition(text) == pytest.approx(parts)
    if len(parts) > 1:
        whole = "".join(f"{s}{n}" for s, n in parts.items())
        text = f"Sr1Ti1O3 {times + 1}{blank}{whole}"
        found = parse_composition(text)
        assert found["Ti"] == 1 + (times + 1) * parts.get("Ti", 0)


@settings(deadline=None)
@given(amounts.filter(readable))
def test_displayed_formula_has_the_same_atoms(parts):
    shown = display_formula(written(parts))
    assert parse_composition(shown) == pytest.approx(parts)


@settings(deadline=None)
@given(amounts.filter(readable), st.integers(2, 9))
def test_bracket_multiplies_its_atoms(parts, times):
    found = parse_composition(f"({written(parts)}){times}")
    assert found == pytest.approx({s: times * n for s, n in parts.items()})


def test_the_same_composition_weighs_most_however_it_is_written():
    known = Compositions(["O3SrTi", "BaO3Ti", "MgO", "HOH", "X"])
    weights = known.log_weights("Sr2Ti2O6")
    assert weights[0] == pytest.approx(0, abs=1e-6)
    assert weights[1:].max() < -0.05
    # isotopes are their elements
    for formula, k in (("D2O", 3), ("[24Mg]O", 2), ("MGO", 2)):
        assert known.log_weights(formula)[k] == pytest.approx(0, abs=1e-6)
    # what is no formula is as unlike as can be
    assert weights[4] == weights.min() == pytest.approx(-12)


def test_a_formula_of_a_table_is_as_spelt_even_if_it_has_other_readings():
    known = Compositions(["CF2H6IN3O2", "CF2H6ClN3O2", "CF2H6InO2", "NaCl"])
    assert known.n_of_ratios("CF2H6IN3O2") == 2
    assert known.log_weights("CF2H6IN3O2").argmax() == 0


def test_like_ratios_and_like_elements_weigh_more():
    # barium is next to strontium on the scale, ytterbium further, chlorine far away
    known = Compositions(["BaO3Ti", "YbO3Ti", "ClO3Ti", "Ba2O4Ti", "LiF"])
    weights = known.log_weights("SrTiO3")
    assert (np.diff(weights) < 0)[:2].all()
    assert weights[3] < weights[1]
    assert weights[4] == pytest.approx(-12)


def test_a_little_of_another_element_changes_little():
    known = Compositions(["BaO3Ti", "MgO", "Fe2O3"])
    weights = known.log_weights("Ba0.95Sr0.05TiO3")
    assert weights[0] > -2
    assert weights[1:].max() < weights[0] - 5


def test_distances_are_those_of_moving_the_earth():
    # a fifth of the atoms moves from barium to strontium, one step
    known = Compositions(["BaO3Ti"])
    assert known.log_weights("SrTiO3")[0] == pytest.approx(-0.2 / 2, abs=1e-5)
