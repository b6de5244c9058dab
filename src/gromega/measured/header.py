"""The header of a G(r) file: conditions, program and composition."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gromega.measured.labels import length_unit
from gromega.measured.options import R_UNITS

MAX_HEADER = 1000  # the lines above a table in which keys are looked for
MAX_LINE = 1000  # the characters of a line that are looked at

_NUMBER = r"[-+]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][-+]?\d+)?"
_POSITIVE = r"\d+(?:[.,]\d+)?"
# qsig and qalp are what PDFgui wrote before 2009.
_KEYS = {
    "qmin": r"q[^\w\n]{0,3}_?[^\w\n]{0,2}min(?:imum)?\}?\$?",
    "qmax": r"q[^\w\n]{0,3}_?[^\w\n]{0,2}max(?:imum)?\}?\$?",
    "qdamp": r"q_?damp|qsig",
    "qbroad": r"q_?broad|qalp",
}
_UNIT = r"(?:[(\[]([^)\]\n]*)[)\]])?"
_TO = r"\s*(?:-|–|—|\bto\b|,|;|:|\.{2,}|…|/|~|\band\b)\s*"
# Qmin, Qmax = 0.6, 21.5
_LIST = re.compile(
    r"\b((?:[qr][ _-]?(?:min|max|damp|broad|step|poly)(?:inst)?"
    r"(?:[^\w\n=:(\[]|and\b|to\b){0,8}){2,})"
    rf"{_UNIT}[ \t]*(?:[=:]|is\b|are\b)?[ \t\[({{]*([^\n]{{1,80}})",
    re.IGNORECASE,
)
_NUMBERS = re.compile(r"(?:[-–—+\d.,;:/|~…\s]|e(?=[-+\d])|to\b|and\b)+", re.IGNORECASE)
# Q range: 0.6 - 21.5, and 0.6 < Q < 21.5
_RANGE = re.compile(
    rf"\bq(?:[ _-]?(?:range|limits?|window))?\b[\"']?\s*{_UNIT}\s*"
    rf"(?:[=:]|\b(?:is|from|in|of)\b)?\s*[\[({{]?\s*({_POSITIVE}){_TO}({_POSITIVE})"
    r"([^\n]{0,16})",
    re.IGNORECASE,
)
_BETWEEN = re.compile(
    rf"()({_POSITIVE})\s*(?:<|≤)=?\s*q\s*(?:<|≤)=?\s*({_POSITIVE})([^\n]{{0,16}})",
    re.IGNORECASE,
)
# The unit of a Q is one over a length: 1/nm, nm^-1, Å⁻¹, inv. Angstrom.
_LENGTH = r"(nm|pm|bohr|a0|a\.u\.|[ÅÅ]|\\?A{1,2}(?:ng\w*)?|[aå]ng\w*)"
_Q_UNIT = re.compile(
    rf"[\s(\[\])}}]*(?:(?:1 ?/|/|[iI]nv\w*\.?)\s*{_LENGTH}(?!\w)"
    rf"|{_LENGTH}\s*\^?[({{]?[-−⁻])"
)
_DIALECTS = {
    "xPDFsuite": r"^[^\w\n]*xPDFsuite Configuration",
    "PDFgetN3": r"^[^\w\n]*version\s*=\s*\S*pdfgetn",
    "PDFgetX3": r"^[^\w\n]*version\s*=\s*\S*pdfgetx|^[^\w\n]*DEFAULT\]",
    "PDFgetX2": r"^[^\w\n]*Get_XPDF",
    "PDFgui": r"^#+\s*PDFgui",
    "Mantid": r"^#S 1 - PDF from Mantid",
    "PDFgetN": r"^#S 1 - PDF from PDFgetN|^prep=gsas",
    "NOMAD": r"^#\s*Comment:\s*(?:neutron|x-?ray)",
}
OF_BILLINGE = frozenset(_DIALECTS) - {"NOMAD"}
"""The programs whose G(r) and F(Q) are 4πρ0 r (g(r) - 1) and Q (S(Q) - 1)."""
# The only radiation of a program, and that of most of its files. Keen's G(r), of
# RMCProfile, is in barn: it is weighted by neutron scattering lengths.
_RADIATIONS = {"PDFgetX2": "xray", "PDFgetN3": "neutron", "PDFgetN": "neutron"}
_USUAL = {"xPDFsuite": "xray", "PDFgetX3": "xray", "RMCProfile": "neutron"}
_WORDS = {"xray": r"x-?rays?", "neutron": r"neutrons?"}


@dataclass(frozen=True)
class Header:
    """The content of the header above a table; texts are empty if not stated."""

    # The program that wrote the file, "key = value" for the header of an unknown
    # program, or "columns" without keys.
    dialect: str
    # The conditions by the names of `Conditions`, not checked. Q is in Å⁻¹ if its unit
    # is stated, else as written.
    stated: dict[str, float | str]
    unitless: tuple[str, ...]  # the names of those in Å⁻¹ without a unit in the header
    usual: Mapping[str, str]  # conditions of most files of the program
    composition: str  # not checked


def header_lines(lines: Sequence[str]) -> list[str]:
    """Return the lines above a table that are read, without blanks around them."""
    words = (line.strip()[:MAX_LINE] for line in lines if re.search(r"\w", line))
    return list(words)[-MAX_HEADER:]


def read_header(lines: Sequence[str]) -> Header:
    """Return the header that the lines above a table, of `header_lines`, make."""
    text = "\n".join(lines)
    found = _values(text)
    stated: dict[str, float | str] = {key: value for key, (value, _) in found.items()}
    unitless = tuple(key for key, (_, has_unit) in found.items() if not has_unit)
    dialect = _dialect(lines, text, bool(stated))
    radiation = _radiation(lines, text, dialect)
    usual = {}
    if radiation:
        stated["radiation"] = radiation
    elif dialect in _USUAL:
        # GSAS-II writes files like those of RMCProfile, with the path of its own file.
        of_title = _named(text, r"(?<![A-Za-z])", r"(?![A-Za-z])")
        is_rmc = dialect == "RMCProfile"
        usual["radiation"] = (is_rmc and of_title) or _USUAL[dialect]
    key = (
        r"(?:^[^\w\n]*|[,{;][ \t]*[\"'])(?:composition|(?:chemical[ _])?formula)[\"']?"
        r"[ \t]*[=:][ \t]*([^#,}\n]+)"
    )
    composition = re.search(key, text, re.MULTILINE | re.IGNORECASE)
    formula = composition[1].strip(" \t\"'") if composition else ""
    return Header(dialect, stated, unitless, usual, formula)


def _values(text: str) -> dict[str, tuple[float, bool]]:
    """Return the Q that a header states, and whether it states their units."""
    found: dict[str, tuple[float, bool]] = {}
    lists = [*_lists(text)]
    for start, end, _ in lists:
        text = text[:start] + " " * (end - start) + text[end:]
    for key, names in _KEYS.items():
        # The look-behind excludes optqmax, the equals sign or space qmaxinst.
        pattern = (
            rf"(?<![\w.])(?:{names})[\"']? *{_UNIT} *(?:[=:]|\bis\b|\bof\b| )\s*"
            rf"((?>{_NUMBER}))(?!{_TO}\d)([^\n]{{0,16}})"
        )
        if one := re.search(pattern, text, re.IGNORECASE):
            found[key] = _in_angstroms(one[2], one[1], one[3])
    for _, _, values in lists:
        found = {**values, **found}
    return found


def _lists(text: str) -> Iterator[tuple[int, int, dict[str, tuple[float, bool]]]]:
    """Yield the place of several values in one statement, and the values."""
    for one in _LIST.finditer(text):
        names = [
            re.sub("[ _-]", "", name)
            for name in re.findall(r"[qr][ _-]?(?!to\b)[a-z]+", one[1].lower())
        ]
        start = _NUMBERS.match(one[3])
        listed = start[0].strip(" ,;:") if start else ""
        after = one[3][len(listed) :]
        values: dict[str, tuple[float, bool]] = {}
        for separator in (r"\s*(?:;|,\s|/|\bto\b|\band\b|\s-\s|[–—]|\s)\s*", ",", "-"):
            numbers = re.split(separator, listed)
            if len(numbers) == len(names) and all(
                re.fullmatch(_NUMBER, number) for number in numbers
            ):
                both = zip(names, numbers, strict=True)
                values = {k: _in_angstroms(v, one[2], after) for k, v in both}
                break
        # It is not known which of several names one number belongs to.
        if listed:
            yield one.start(), one.end(), {k: values[k] for k in values if k in _KEYS}
    for pattern in (_RANGE, _BETWEEN):
        for one in pattern.finditer(text):
            ends = [_in_angstroms(each, one[1], one[4]) for each in (one[2], one[3])]
            if ends[0] < ends[1]:
                yield one.start(), one.end(3), dict(zip(_KEYS, ends, strict=False))


def _in_angstroms(number: str, before: str | None, after: str) -> tuple[float, bool]:
    """Return a Q in Å⁻¹, and whether a unit stands before or after the number."""
    unit = _Q_UNIT.match(before or "") or _Q_UNIT.match(after)
    value = float(number.replace(",", "."))
    if not unit:
        return value, False
    length = length_unit(unit[1] or unit[2] or unit[0]) or "Å"
    return value / R_UNITS[length], True


def _dialect(lines: Sequence[str], text: str, has_keys: bool) -> str:
    for dialect, pattern in _DIALECTS.items():
        if re.search(pattern, text, re.MULTILINE | re.IGNORECASE):
            return dialect
    if 1 <= len(lines) <= 2 and re.fullmatch(r"\d+", lines[0]):
        return "RMCProfile"
    return "key = value" if has_keys else "columns"


def _radiation(lines: Sequence[str], text: str, dialect: str) -> str:
    """Return the radiation by a key, else by the program, else by a word."""
    word = r"(electron|x|n)(?:-?rays?|eutrons?|s)?\b"
    keys = (
        r"(?:^|[,{;])[^\w\n]*(?:mode|stype|radiation|probe)[\"']?\s*[=:]\s*[\"']?"
        f"{word}"
    )
    found = re.search(keys, text, re.MULTILINE | re.IGNORECASE)
    if found:
        stated = found[1].lower()
        return {"x": "xray", "n": "neutron"}.get(stated, stated)
    if dialect in _RADIATIONS:
        return _RADIATIONS[dialect]
    # File names are left out: they may belong to other measurements.
    words = "\n".join(line for line in lines if not re.search(r"[/\\]|file", line))
    return "" if dialect in _USUAL else _named(words, r"\b", r"\b")


def _named(text: str, start: str, end: str) -> str:
    """Return the radiation that a text names; "" if it names none or two."""
    named = [
        name
        for name, word in _WORDS.items()
        if re.search(start + word + end, text, re.IGNORECASE)
    ]
    return named[0] if len(named) == 1 else ""
