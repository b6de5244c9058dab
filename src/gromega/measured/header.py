"""The header of a G(r) file: conditions, program and composition."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gromega.measured.labels import length_unit
from gromega.measured.options import R_UNITS

NO_UNIT = "was not used, because it does not state whether it is in Å⁻¹"
MAX_HEADER = 1000  # the lines above a table in which keys are looked for
MAX_LINE = 1000  # the characters of a line that are looked at

_NUMBER = r"[-+]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eEdD][-+]?\d+)?"
_POSITIVE = r"\d+(?:[.,]\d+)?"
# qsig and qalp are what PDFgui wrote before 2009.
_KEYS = {
    "qmin": r"q[^\w\n]{0,3}_?[^\w\n]{0,2}min(?:imum)?\}?\$?|min(?:imum)?[ _]q",
    "qmax": r"q[^\w\n]{0,3}_?[^\w\n]{0,2}max(?:imum)?\}?\$?|max(?:imum)?[ _]q",
    "qdamp": r"q[ _]?damp|qsig",
    "qbroad": r"q[ _]?broad|qalp",
}
_UNIT = r"(?:[(\[]([^)\]\n]*)[)\]])?"
# The same, also as in Qmax/nm^-1, "Qmax in nm^-1" and "Qmax, nm^-1".
_ANY_UNIT = (
    r"(?:[(\[](?P<bracket>[^)\]\n]*)[)\]]"
    r"|(?:/|,| in) *(?P<unit>(?=[^\s=:]*(?:[-−⁻]|1/))[^\s=:,]{2,14}))?"
)
# A Q of these is not that of the Fourier transform.
_OTHER_Q = r"inst(?:rument(?:al)?)?|raw|data|measured|available|background|detector"
_TO = r"\s*(?:-|–|—|\bto\b|,|;|:|\.{2,}|…|/|~|\band\b)\s*"
# Qmin, Qmax = 0.6, 21.5
_LIST = re.compile(
    r"\b((?:[qr][ _-]?(?:min|max|damp|broad|step|poly)(?:inst)?"
    r"(?:[^\w\n=:(\[]|and\b|to\b){0,8}){2,})"
    rf"{_UNIT}[ \t]*(?:[=:]|is\b|are\b)?[ \t\[({{]*([^\n]{{1,80}})",
    re.IGNORECASE,
)
_NUMBERS = re.compile(
    r"(?:[-–—+\d.,;:/|~…\s]|[ed](?=[-+\d])|to\b|and\b)+", re.IGNORECASE
)
# Q range: 0.6 - 21.5, and 0.6 < Q < 21.5
_RANGE = re.compile(
    rf"\bq(?:[ _-]?(?:range|limits?|window))?\b[\"']?\s*{_UNIT}\s*"
    rf"(?:[=:]|\b(?:is|from|in|of)\b)?\s*[\[({{]?\s*({_POSITIVE}){_TO}({_POSITIVE})"
    r"(?=([^\n]{0,16}))",
    re.IGNORECASE,
)
_BETWEEN = re.compile(
    rf"()({_POSITIVE})\s*(?:<|≤)=?\s*q\s*(?:<|≤)=?\s*({_POSITIVE})([^\n]{{0,16}})",
    re.IGNORECASE,
)
# The unit of a Q is one over a length: 1/nm, nm^-1, Å⁻¹, inv. Angstrom.
_LENGTH = (
    r"(nm|nanomet\w*|pm|picomet\w*|bohrs?|a0|a\.u\.|[ÅÅ]\w*|\\?a{1,2}(?:ng\w*)?"
    r"|[aå]ng\w*)"
)
_Q_UNIT = re.compile(
    rf"[\s(\[\])}}\"'$]*(?:(?:(?:1|rad) ?/|/|inv\w*\.?|reciprocal\b|per\b)\s*{_LENGTH}"
    rf"(?!\w)|{_LENGTH}\$?\s*(?:\^|\*\*)?[({{]*[-−⁻])",
    re.IGNORECASE,
)
# A unit of any kind behind a number.
_SOME_UNIT = re.compile(
    r"[\s(\[\"']*(?:1 ?/|/ ?[^\W\d]{1,10}\b(?![/.\w])|[x×] ?10|10\^|a\.?u\b|deg|°"
    r"|k?eV\b|[^\W\d]{1,12} ?(?:\^|\*\*)?[({]*[-−⁻][1¹](?!\d)"
    r"|(?:inv|reciprocal|per)\b)",
    re.IGNORECASE,
)
# Q unit: nm^-1, and "Q in nm^-1".
_UNIT_OF_Q = re.compile(
    r"\bq(?:min|max)?[ _-]?units?\b[\"']?\s*[:=]\s*([^\n,;]{1,24})"
    r"|\bq\s+in\s+([^\s:,;]{1,14})",
    re.IGNORECASE,
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
    # Conditions that the header states, but not clearly, each with the end of a note.
    unclear: Mapping[str, str]
    usual: Mapping[str, str]  # conditions of most files of the program
    composition: str  # not checked


def header_lines(lines: Sequence[str]) -> list[str]:
    """Return the lines above a table that are read, without blanks around them."""
    words = (line.strip()[:MAX_LINE] for line in lines if re.search(r"\w", line))
    return list(words)[-MAX_HEADER:]


def read_header(lines: Sequence[str]) -> Header:
    """Return the header that the lines above a table, of `header_lines`, make."""
    text = "\n".join(lines)
    found, unclear = _values(text)
    stated: dict[str, float | str] = {k: each.value for k, each in found.items()}
    unitless = tuple(k for k, each in found.items() if each.unit is None)
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
    return Header(dialect, stated, unitless, unclear, usual, _composition(text))


def _composition(text: str) -> str:
    """Return the formula after a key; different ones are joined by "or"."""
    text = re.sub(r"_?\{([\d.,]+)\}", r"\1", text)  # TiO_{2}
    key = (
        r"(?:^[^\w\n]*|[,{;][ \t]*[\"']?)(?:composition|(?:chemical[ _])?formula)[\"']?"
        r"[ \t]*[=:][ \t]*([^#}\n]+?)"
        r"(?=[#}\n]|$|[,;\s]\s*[\"']?[A-Za-z]\w*[\"']?\s*[=:])"
    )
    found = []
    for formula in re.findall(key, text, re.MULTILINE | re.IGNORECASE):
        formula = re.sub(r"(?<=\d),(?=\d)", ".", formula.strip(" \t\"',"))
        parts = re.split(r"\s*,\s*", formula)
        # A list of elements; formulas are several compounds.
        if all(re.fullmatch(r"[A-Z][a-z]?\s*[\d.]*", part) for part in parts):
            formula = " ".join(parts)
        if formula and formula not in found:
            found.append(formula)
    return " or ".join(found)


@dataclass(frozen=True)
class _Q:
    """A stated Q in Å⁻¹, as written without a unit."""

    value: float
    unit: str | None  # of length; None if not stated, "" if not understood


def _values(text: str) -> tuple[dict[str, _Q], dict[str, str]]:
    """Return the Q that a header states, and why it is not clear about others."""
    found: dict[str, list[_Q]] = {}
    lists = [*_lists(text)]
    for start, end, values in lists:
        if not _is_other(text, start):
            for name, value in values.items():
                found.setdefault(name, []).append(value)
        text = text[:start] + " " * (end - start) + text[end:]
    for key, names in _KEYS.items():
        # The look-behind excludes optqmax, the equals sign or space qmaxinst.
        pattern = (
            rf"(?<![\w.])(?:{names})[\"']? *(?:used)? *{_ANY_UNIT} *"
            r"(?:[=:≈,;\t]|[<≤]=?|\bis\b|\bof\b| )\s*[\"']?"
            rf"(?P<number>(?>{_NUMBER}))(?!{_TO}\d)(?P<after>[^\n]{{0,24}})"
        )
        single = [
            _q(one["number"], one["bracket"] or one["unit"], one["after"])
            for one in re.finditer(pattern, text, re.IGNORECASE)
            if not _is_other(text, one.start(), one["bracket"] or "", one["after"])
        ]
        if single:
            found[key] = single
    return _clear(found, text)


def _is_other(text: str, start: int, bracket: str = "", after: str = "") -> bool:
    """Return whether a Q is said to be that of the instrument or of other data."""
    before = text[max(0, start - 24) : start]
    return bool(
        re.search(rf"\b(?:{_OTHER_Q})[ _]+$", before, re.IGNORECASE)
        or re.search(rf"\b(?:{_OTHER_Q})\b", bracket, re.IGNORECASE)
        or re.match(rf"\s*[(\[](?:{_OTHER_Q})\b", after, re.IGNORECASE)
    )


def _clear(
    found: dict[str, list[_Q]], text: str
) -> tuple[dict[str, _Q], dict[str, str]]:
    """Return the Q that are stated once and in a known unit, and why others are not."""
    clear, unclear = {}, {}
    for name, listed in found.items():
        values = {q.value: q for q in listed}
        if any(q.unit == "" for q in listed):
            unclear[name] = (
                f"of {listed[0].value:g} was not used: its unit is not known"
            )
        elif len(values) > 1:
            both = " and ".join(f"{value:g}" for value in values)
            unclear[name] = f"was not used, because it states {both}"
        else:
            (clear[name],) = values.values()
    general = _unit_of_q(text)
    others = any(q.unit not in (None, "Å") for q in clear.values())
    for name, q in [*clear.items()]:
        if q.unit is None and general:
            clear[name] = _Q(q.value / R_UNITS[general], general)
        elif q.unit is None and (others or general == ""):
            unclear[name] = f"of {q.value:g} {NO_UNIT}"
            del clear[name]
    return clear, unclear


def _unit_of_q(text: str) -> str | None:
    """Return the unit of all Q: None if not stated, "" if not understood."""
    for one in _UNIT_OF_Q.finditer(text):
        stated = one[1] or one[2]
        if _Q_UNIT.match(stated) or _SOME_UNIT.match(stated):
            return _unit(stated)
    return None


def _lists(text: str) -> Iterator[tuple[int, int, dict[str, _Q]]]:
    """Yield the place of several values in one statement, and the values."""
    for one in _LIST.finditer(text):
        names = [
            re.sub("[ _-]", "", name)
            for name in re.findall(r"[qr][ _-]?(?!to\b)[a-z]+", one[1].lower())
        ]
        start = _NUMBERS.match(one[3])
        listed = start[0].strip(" ,;:") if start else ""
        after = one[3][len(listed) :]
        values: dict[str, _Q] = {}
        for separator in (r"\s*(?:;|,\s|/|\bto\b|\band\b|\s-\s|[–—]|\s)\s*", ",", "-"):
            numbers = re.split(separator, listed)
            if len(numbers) == len(names) and all(
                re.fullmatch(_NUMBER, number) for number in numbers
            ):
                both = zip(names, numbers, strict=True)
                values = {k: _q(v, one[2], after) for k, v in both}
                break
        # It is not known which of several names one number belongs to.
        if listed:
            yield one.start(), one.end(), {k: values[k] for k in values if k in _KEYS}
    for pattern in (_RANGE, _BETWEEN):
        for one in pattern.finditer(text):
            low, high = (_q(each, one[1], one[4]) for each in (one[2], one[3]))
            if low.value < high.value:
                yield one.start(), one.end(3), {"qmin": low, "qmax": high}


def _q(number: str, before: str | None, after: str) -> _Q:
    """Return a Q, with the unit that stands before or after the number."""
    value = float(re.sub("[dD]", "e", number.replace(",", ".")))
    unit = _unit(before or "")
    if unit is None:
        unit = _unit(after)
    return _Q(value / R_UNITS[unit], unit) if unit else _Q(value, unit)


def _unit(text: str) -> str | None:
    """Return the unit of length of a Q: None without one, "" if not understood."""
    if found := _Q_UNIT.match(text):
        return length_unit(found[1] or found[2]) or "Å"
    return "" if _SOME_UNIT.match(text) else None


def _dialect(lines: Sequence[str], text: str, has_keys: bool) -> str:
    for dialect, pattern in _DIALECTS.items():
        if re.search(pattern, text, re.MULTILINE | re.IGNORECASE):
            return dialect
    if 1 <= len(lines) <= 2 and re.fullmatch(r"\d+", lines[0]):
        return "RMCProfile"
    return "key = value" if has_keys else "columns"


def _radiation(lines: Sequence[str], text: str, dialect: str) -> str:
    """Return the radiation by a key, else by the program, else by a word."""
    # Not n/a, X-Y and n-butane.
    word = r"(electron|x|n)(?:-?rays?|eutrons?|s)?\b(?!\s*/|-)"
    keys = (
        r"(?:^|[,{;])[^\w\n]*(?:mode|stype|radiation|probe)[\"']?\s*[=:]\s*[\"']?"
        rf"{word}((?:(?!\w[\"']?\s*[=:])[^\n])*)"
    )
    found = re.search(keys, text, re.MULTILINE | re.IGNORECASE)
    if found:
        stated = found[1].lower()
        other = {"x": _WORDS["neutron"], "n": _WORDS["xray"]}.get(stated)
        if other and re.search(rf"\b{other}\b", found[2], re.IGNORECASE):
            return ""
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
