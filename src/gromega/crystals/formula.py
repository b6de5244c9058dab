"""Formulas as chemists write them: TiO2, SrFe2As2, LaB6, and C10H8."""

import re
from functools import lru_cache

# From the most electropositive to the most electronegative element: the element
# sequence of IUPAC, Nomenclature of Inorganic Chemistry (2005), Table VI, in reverse,
# with H (and D) where the formulas of hydrides, acids and water have it.
_SEQUENCE = (
    "Rn Xe Kr Ar Ne He Fr Cs Rb K Na Li Ra Ba Sr Ca Mg Be "
    "Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr "
    "La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Y Sc "
    "Hf Zr Ti Ta Nb V W Mo Cr Re Tc Mn Os Ru Fe Ir Rh Co Pt Pd Ni Au Ag Cu "
    "Hg Cd Zn Tl In Ga Al B Pb Sn Ge Si C Bi Sb As P N H D Po Te Se S O "
    "At I Br Cl F"
)
_RANK = {symbol: rank for rank, symbol in enumerate(_SEQUENCE.split())}
_PART = re.compile(r"([A-Z][a-z]?)([\d.]*(?:e[+-]?\d+)?)")


@lru_cache(4096)
def display_formula(formula: str) -> str:
    """Return a formula such as ``O2Ti`` as chemists write it; any other text as it is.

    Elements follow the element sequence of IUPAC, the most electropositive first. A
    formula with C and H is organic and follows Hill order: C, H, then the other
    elements alphabetically.
    """
    parts = _PART.findall(formula)
    known = all(symbol in _RANK for symbol, _ in parts)
    if not known or "".join(map("".join, parts)) != formula:
        return formula
    symbols = {symbol for symbol, _ in parts}
    if {"C", "H"} <= symbols:
        parts.sort(key=lambda part: (part[0] != "C", part[0] != "H", part[0]))
    else:
        parts.sort(key=lambda part: _RANK[part[0]])
    return "".join(map("".join, parts))
