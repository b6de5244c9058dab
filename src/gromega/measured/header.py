"""The header of a G(r) file: conditions, function, units and composition."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

MAX_HEADER = 1000  # the lines above a table in which keys are looked for
MAX_LINE = 1000  # the characters of a line that are looked at

_NUMBER = r"[-+]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][-+]?\d+)?"
# qsig and qalp are what PDFgui wrote before 2009.
_KEYS = {
    "qmin": "q_?min",
    "qmax": "q_?max",
    "qdamp": "qdamp|qsig",
    "qbroad": "qbroad|qalp",
}
# The unit of a Q is one over a length: 1/nm, nm^-1, Å⁻¹, inv. Angstrom.
_LENGTH = r"(nm|pm|[ÅÅ]|\\?A{1,2}(?:ng\w*)?|[aå]ng\w*)"
_Q_UNIT = re.compile(
    rf"[\s(\[]*(?:(?:1 ?/|/|[iI]nv\w*\.?)\s*{_LENGTH}\b|{_LENGTH}\s*\^?[({{]?[-−⁻])"
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
_RADIATIONS = dict.fromkeys(("xPDFsuite", "PDFgetX3", "PDFgetX2"), "xray")
# Keen's G(r), of RMCProfile, is in barn: it is weighted by neutron scattering lengths.
_RADIATIONS |= dict.fromkeys(("PDFgetN3", "PDFgetN", "RMCProfile"), "neutron")
_LABELS = {x: f"{x[0]}(r)" for x in ("G", "Gr", "Gobs", "D", "R", "RDF", "T")}
_OUTPUTS = {"gr": "G(r)", "fq": "F(Q)", "sq": "S(Q)", "iq": "I(Q)"}


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
    quantity: str  # the function in the table, such as "F(Q)"
    columns: tuple[int, ...]  # those whose sum is the function
    r_unit: str  # Å, nm or pm
    composition: str  # not checked


def read_header(lines: Sequence[str], name: str, n_columns: int) -> Header:
    """Return the header that the lines above a table make.

    The suffix of the name of the file may state the function.
    """
    lines = [line.strip()[:MAX_LINE] for line in lines if re.search(r"\w", line)]
    lines = lines[-MAX_HEADER:]
    text = "\n".join(lines)
    last = lines[-1] if lines else ""
    name = name.lower().removesuffix(".gz")
    stated: dict[str, float | str] = {}
    unitless = []
    for key, names in _KEYS.items():
        # The word boundary excludes qmaxinst and optqmax.
        pattern = (
            rf"\b(?:{names}) *(?:[(\[]([^)\]\n]*)[)\]] *)?[=:]\s*({_NUMBER})"
            r"([^\n]{0,16})"
        )
        found = re.search(pattern, text, re.IGNORECASE)
        if found:
            unit = _Q_UNIT.match(found[1] or "") or _Q_UNIT.match(found[3])
            length = unit and (unit[1] or unit[2])
            scale = {"nm": 0.1, "pm": 100.0}.get(length or "", 1.0)
            stated[key] = scale * float(found[2].replace(",", "."))
            if not unit:
                unitless.append(key)
    dialect = _dialect(lines, text, bool(stated))
    radiation = _radiation(lines, text, dialect)
    if radiation:
        stated["radiation"] = radiation
    quantity, r_unit = _labels(last)
    if dialect == "RMCProfile":
        title = re.search(r"\b[A-Za-z]\([rQq]\)", last)
        quantity = title[0] if title else "G(r)"
        quantity = "Keen G(r)" if quantity == "G(r)" else quantity
    for pattern, where in ((r"\boutputtypes? *= *(\w+)$", text), (r"\.(\w+)$", name)):
        found = re.search(pattern, where, re.MULTILINE)
        quantity = quantity or _OUTPUTS.get(found[1] if found else "", "")
    # PDFgui saves a fit as r, Gcalc, 0, 0 and Gobs - Gcalc.
    is_fit = n_columns == 5 and ("gdiff" in last.lower() or name.endswith(".fgr"))
    columns = (1, 4) if is_fit else (1,)
    key = r"^[^\w\n]*composition[ \t]*[=:][ \t]*([^#,\n]+)"
    found = re.search(key, text, re.MULTILINE | re.IGNORECASE)
    composition = found[1].strip(" \t\"'") if found else ""
    return Header(
        dialect, stated, tuple(unitless), quantity, columns, r_unit, composition
    )


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
    keys = rf"^[^\w\n]*(?:mode|stype|radiation)\s*[=:]\s*[\"']?{word}"
    found = re.search(keys, text, re.MULTILINE | re.IGNORECASE)
    if found:
        stated = found[1].lower()
        return {"x": "xray", "n": "neutron"}.get(stated, stated)
    if dialect in _RADIATIONS:
        return _RADIATIONS[dialect]
    # File names are left out: they may belong to other measurements.
    words = "\n".join(line for line in lines if not re.search(r"[/\\]|file", line))
    patterns = {"xray": r"\bx-?rays?\b", "neutron": r"\bneutrons?\b"}
    named = [x for x, p in patterns.items() if re.search(p, words, re.IGNORECASE)]
    return named[0] if len(named) == 1 else ""


def _labels(line: str) -> tuple[str, str]:
    """Return the function and the unit of r from a line of column labels.

    Examples are ``#L r(Å)  G(Å$^{-2}$)``, ``#L r G(r) dr dG(r)`` or ``Q,F(Q)``.
    """
    line = re.sub(r"^[\s#!%;\"]*(?:L\s+)?", "", line)
    label = r"([^\W\d]\w*|2\W?th\w*|2θ)[\"\s]*([(\[][^)\]]*[)\]]|/\s*\w+)?"
    found = re.findall(label, line)
    if len(found) < 2 or "=" in line:
        return "", "Å"
    (x, x_unit), (y, y_argument) = found[:2]
    kind = x.lower().partition("_")[0]
    if kind == "r":
        # A "g" without "(r)" may mean G(r).
        quantity = "g(r)" if y + y_argument == "g(r)" else _LABELS.get(y, "")
        unit = re.search("nm|pm", x + x_unit)
        return quantity, unit[0] if unit else "Å"
    if re.fullmatch(r"q|2|2\W?th\w*|2θ|tth|two|twotheta", kind):
        return f"{y}({x})", "Å"
    return "", "Å"
