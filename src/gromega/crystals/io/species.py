"""The elements and isotopes of atom sites, from their type symbols and labels."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from functools import lru_cache

import gemmi
import periodictable

from gromega.crystals.crystal import HEAVIEST, ISOTOPE, element_of
from gromega.crystals.refusal import Reason, RefusedError

DEUTERIUM = 1 + 2 * ISOTOPE
Shares = list[tuple[int, float]]

# Names of programs for points that are no atoms: centroids of Platon, dummies, peaks of
# SHELX, and vacancies. X and Q may also stand for an element that is not known.
_DUMMY = re.compile(r"(cg|cnt|cent?|dum|dummy|du|xx?|q|va|vac|vacancy|□)\d*", re.I)
_CERTAIN = re.compile(r"(cg|cnt|cent?|dum|dummy|vac|vacancy|□)\d*", re.I)
_VACANCY = re.compile(r"(va|vac|vacancy|□)\d*", re.I)
# Their hydrogen is not given. Wat is that of AMCSD, OH2 and H2O of the Pauling File.
_WATER = re.compile(r"wat|[hd][23]o|hoh|dod|o-?[hd]", re.I)
_MOLECULE = re.compile(r"wat|[hd][23]o|hoh|dod", re.I)
_GROUP = re.compile(r"([NCB][HD][1-5]|NO[23]|[CSP]O[34]|ClO4|CN|BF4|PF6)[\d+-]*")
# What programs write behind the element of a type.
_VARIANT = re.compile(r"[A-Z]*(val?|cor|core|shel|shell|iso|ani|h|w|s)?")
# Two elements: Fe/Mg, Ca,Na, Fe0.5Mn0.5; in a type also Fe1Mg1.
_SECOND = re.compile(r"(?:[/,&]\s*|\d\.\d+\s*)([A-Z][a-z]?)")
_SECOND_OF_TYPE = re.compile(r"\d([A-Z][a-z])")
_PART = re.compile(r"(\d*\.\d+|1)\s*(?:\(\d+\))?\s*([A-Z□].*)")
_PLUS = re.compile(r"\+(?=\s*(?:\d*\.\d|1\s*[A-Z]))")
_NAME = re.compile(r"(?:\(?\^?(\d+)\^?\)?[-_ ]?)?([A-Za-z]+)(.*)", re.S)
# B_11 and Li-7 are isotopes; the second may be a charge of up to 4.
_BEHIND = re.compile(r"_(\d+)|-(\d{2,3}|[5-9])")


@dataclass(frozen=True)
class Style:
    """How the labels of a file are spelt, to read those without a type symbol.

    Parameters
    ----------
    elements
        The symbols of the stated formula, none if it is not known.
    capitals
        Whether a second capital letter is of the element, as in ``AL1``, or of the
        site, as in ``OA1``; None if nothing tells.
    isotopes
        The nuclides of the elements of which the formula has one isotope only.
    """

    elements: Set[str] = frozenset()
    capitals: bool | None = None
    isotopes: Mapping[int, int] = field(default_factory=dict)


def style_of(labels: Iterable[str], symbols: Set[str]) -> Style:
    """Return the style of some labels, for a formula of some elements and isotopes.

    H and D count as one element.
    """
    elements: Set[str] = frozenset(symbol.lstrip("0123456789") for symbol in symbols)
    isotopes = _isotopes(symbols)
    if elements & {"H", "D"}:
        elements = elements | {"H", "D"}
    capitals = None
    for label in labels:
        letters = _letters(label)[:2]
        if len(letters) == 2 and _number(letters):
            if letters[1].islower():
                capitals = False
                break
            if not _number(letters[0]):
                capitals = True
    return Style(elements, capitals, isotopes)


def _isotopes(symbols: Set[str]) -> dict[int, int]:
    """Return the nuclide of each element of which there is one isotope alone."""
    nuclides: defaultdict[int, set[int]] = defaultdict(set)
    for symbol in symbols:
        element = symbol.lstrip("0123456789")
        mass = 2 if symbol == "D" else int(symbol.removesuffix(element) or 0)
        nuclides[_number(element)].add(_number(element) + ISOTOPE * mass)
    single = {z: next(iter(found)) for z, found in nuclides.items() if len(found) == 1}
    return {z: nuclide for z, nuclide in single.items() if nuclide != z}


def species(kind: str, label: str, style: Style) -> Shares:
    """Return the nuclides of a site with their shares, nothing if it is no atom.

    Parameters
    ----------
    kind, label
        The type symbol, or an empty text, and the label.

    Raises
    ------
    RefusedError
        If the element is not known, or not certain.
    """
    # Springer Materials exchanges the two: Nb,Zr is of the type 0.8Nb + 0.2Zr.
    for text in (kind, label):
        shares = _mixed(text, style)
        if shares is not None:
            return shares
    name = kind or label
    if _is_dummy(kind, label, style):
        return []
    if not kind and not style.elements and _VACANCY.fullmatch(label):
        detail = f"{label!r} may be V or a vacancy: add type symbols or the formula"
        raise RefusedError(Reason.UNKNOWN_ELEMENT, detail)
    nuclide = _nuclide(name, style, is_type=bool(kind))
    if kind and nuclide < ISOTOPE:
        nuclide += ISOTOPE * _mass_behind(kind, label, nuclide)
    # Many programs know no type D or 7Li.
    return [(style.isotopes.get(nuclide, nuclide), 1.0)]


def nuclide_of(name: str) -> int:
    """Return the nuclide of a type symbol; raise RefusedError if it is not known."""
    return _nuclide(name, Style(), is_type=True)


def _is_dummy(kind: str, label: str, style: Style) -> bool:
    """Return whether a site is no atom. With a formula, that a site lacks shows."""
    if kind:
        certain = style.elements or _CERTAIN.fullmatch(label)
        return bool(_VACANCY.fullmatch(kind) or (_DUMMY.fullmatch(kind) and certain))
    letters = _letters(label)
    named = any(letters[:n].title() in style.elements for n in (1, 2))
    return bool(
        _DUMMY.fullmatch(label)
        and not named
        and (style.elements or not _number(letters[:1]))
        and (style.elements or _CERTAIN.fullmatch(label))
    )


def _mixed(text: str, style: Style) -> Shares | None:
    """Return the shares of a type such as ``0.8Nb + 0.2Zr``, or None."""
    parts = [_PART.fullmatch(part.strip()) for part in _PLUS.split(text)]
    if not all(parts) or (len(parts) == 1 and "." not in text):
        return None
    found: Shares = []
    for part in parts:
        assert part is not None
        share, name = float(part[1]), part[2]
        if not _VACANCY.fullmatch(name):
            found.append((_nuclide(name, style, is_type=True), share))
    return found


def _nuclide(name: str, style: Style, is_type: bool) -> int:
    """Return the nuclide that a type symbol or a label names."""
    match = _NAME.match(name)
    if not match:
        raise RefusedError(Reason.UNKNOWN_ELEMENT, f"{name!r}")
    mass, letters, behind = match.groups()
    # CD1 is cadmium if the formula has it.
    known = len(letters) > 1 and letters[:2].title() in style.elements
    if _GROUP.fullmatch(name) and not known:
        raise RefusedError(Reason.UNKNOWN_ELEMENT, f"{name!r}")
    if is_type and _MOLECULE.match(name):
        return 8
    if _WATER.match(name) and letters[:2].title() not in style.elements:
        return 8
    symbol = _named(letters) or _symbol(name, letters, style, is_type)
    _refuse_others(name, letters, behind, symbol, is_type)
    number = _number(symbol)
    isotope = mass or (is_type and _suffix(behind, symbol)) or ""
    if isotope and symbol != "D":
        if int(isotope) not in element_of(number).isotopes:
            raise RefusedError(
                Reason.UNKNOWN_ELEMENT, f"{name!r}: {symbol} has no isotope {isotope}"
            )
        return number + ISOTOPE * int(isotope)
    return DEUTERIUM if symbol == "D" else number


def _named(letters: str) -> str:
    """Return the symbol of an element that is written out, such as Iron, or nothing."""
    # TIN is titanium, or nitrogen.
    symbol = "" if letters.isupper() else _names().get(letters.lower(), "")
    return symbol if symbol and _number(symbol) else ""


@lru_cache(1)
def _names() -> dict[str, str]:
    return {element.name: element.symbol for element in periodictable.elements}


def _refuse_others(
    name: str, letters: str, behind: str, symbol: str, is_type: bool
) -> None:
    """Refuse a name of two elements, and a type that is a word and no element."""
    rest = letters[len(symbol) :]
    others = set(_SECOND.findall(behind))
    if is_type:
        others |= set(_SECOND_OF_TYPE.findall(behind))
        if not _named(letters) and not _VARIANT.fullmatch(rest):
            raise RefusedError(Reason.UNKNOWN_ELEMENT, f"{name!r}")
    if any(_number(other) for other in others - {symbol}):
        detail = f"{name!r} is of several elements: give each a row and its occupancy"
        raise RefusedError(Reason.UNKNOWN_ELEMENT, detail)


def _symbol(name: str, letters: str, style: Style, is_type: bool) -> str:
    """Return the element at the beginning of a name, or D."""
    two = letters[:2].title() if _number(letters[:2]) and len(letters) > 1 else ""
    one = letters[0].upper() if _number(letters[0]) else ""
    stated = [symbol for symbol in (two, one) if symbol in style.elements]
    if stated:
        return stated[0]
    if not (two and one) or letters[1].islower():
        if not two and not one:
            raise RefusedError(Reason.UNKNOWN_ELEMENT, f"{name!r}")
        return two or one
    if is_type and two not in ("Ho", "No"):
        return two
    if style.capitals is None or is_type:
        raise RefusedError(
            Reason.UNKNOWN_ELEMENT,
            f"{name!r} may be {two} or {one}: add type symbols or the formula",
        )
    return two if style.capitals else one


def _letters(name: str) -> str:
    match = _NAME.match(name)
    return match[2] if match else ""


@lru_cache(256)
def _number(symbol: str) -> int:
    """Return the atomic number of a symbol in any case, or 0; that of D is 1."""
    number = gemmi.Element(symbol.title()).atomic_number
    return int(number) if number <= HEAVIEST else 0


def _suffix(behind: str, symbol: str) -> str:
    """Return the mass number behind an element, as in B_11, or an empty text."""
    match = _BEHIND.fullmatch(behind)
    mass = (match[1] or match[2]) if match else ""
    known = mass and int(mass) in element_of(_number(symbol)).isotopes
    return mass if known else ""


def _mass_behind(kind: str, label: str, number: int) -> int:
    """Return the mass number of a type such as B11 of FullProf, or 0.

    It is a number of the label if the label begins with it.
    """
    match = re.fullmatch(r"[A-Za-z]{1,2}(\d{1,3})", kind)
    if not match or number == 1 or label.upper().startswith(kind.upper()):
        return 0
    mass = int(match[1])
    element = element_of(number)
    return mass if mass in element.isotopes and element[mass].abundance else 0
