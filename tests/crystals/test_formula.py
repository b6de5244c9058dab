import periodictable
import pytest

from gromega.crystals.crystal import HEAVIEST, MAX_Z
from gromega.crystals.formula import _RANK, display_formula


@pytest.mark.parametrize(
    ("alphabetical", "displayed"),
    [
        ("O2Ti", "TiO2"),
        ("As2Fe2Sr", "SrFe2As2"),
        ("B6La", "LaB6"),
        ("O3SrTi", "SrTiO3"),
        ("CdSe", "CdSe"),
        ("AsGa", "GaAs"),
        ("H2O", "H2O"),
        ("H3N", "NH3"),
        ("CCaO3", "CaCO3"),
        ("H4HfO9P2", "HfP2H4O9"),
        # C and H: organic, in Hill order
        ("C8H10N4O2", "C8H10N4O2"),
        ("FeC10H10", "C10H10Fe"),
        # amounts of disordered crystals
        ("As0.3Fe1.7", "Fe1.7As0.3"),
        ("Si", "Si"),
        # no formula: as it is
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_formula_is_shown_as_chemists_write_it(alphabetical, displayed):
    assert display_formula(alphabetical) == displayed


def test_every_element_has_a_rank():
    symbols = {e.symbol for e in periodictable.elements if 0 < e.number <= MAX_Z}
    # those beyond lawrencium have no chemistry of crystals
    known = {e for e in symbols if periodictable.elements.symbol(e).number <= HEAVIEST}
    assert known == set(_RANK) - {"D"}
