"""Labels of columns: what is in them, whose it is, and in which unit."""

import itertools
import re
from dataclasses import dataclass

_LENGTHS = {
    "Å": r"[aåÅ]|aa|[aå]ng|[aå]ngstr[oö]e?ms?",
    "nm": "nm|nanomet(?:er|re)s?",
    "pm": "pm|picomet(?:er|re)s?",
    "bohr": r"bohrs?|a_?0|a\.?u\.?|atomicunits?",
}
_INVERSE = re.compile(r"^(?:1/|/|inv(?:erse)?\.?|per)")
_POWER = re.compile(r"(?:\^?[({]*[-−⁻][\d¹²³]+[)}]*|[²³]|\^?[1-4])$")
# A function in arbitrary units, or without one, has no length in its unit.
_NO_UNIT = re.compile(
    r"a\.?\s?u\.?|arb(?:\.|itrary)?\s*(?:u(?:\.|nits?)?)?|dimensionless|unitless|norm\w*",
    re.IGNORECASE,
)
_BRACKET = r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}"
# A name, its brackets, and what may follow them: "g(r) - 1", "r / Å", "r in nm".
_WORD = re.compile(
    rf"[^\s()\[\]{{}},;|]+(?:\s*(?:{_BRACKET}))*(?:_\w+)?(?:\s*-\s*1(?:_\w+|\b))?"
    r"(?:\s*/\s*[^\s,;]+|\s+in\s+[^\s,;]+)?"
)
_FILLERS = re.compile(
    r"^(?:(?:the|first|second|third|fourth|1st|2nd|3rd|4th|columns?|cols?\.?|labels?"
    r"|two columns|#?\d+|is|are|and|contains?)\b[\s:.)=]*|[\s:#]+)+",
    re.IGNORECASE,
)
_ROLES = {
    "observed": r"obs(?:erved|d)?|exp(?:t|tl|eriment(?:al)?)?|meas(?:ured)?|data",
    "raw": r"raw|uncorrected|unfiltered|unsubtracted",
    "calculated": r"calc(?:ulated|d)?|cal|fit(?:ted)?|rmc|model(?:led)?|refined"
    r"|sim(?:ul(?:ated|ation))?|theor(?:y|etical)|predicted|target",
    "difference": r"diff(?:erence)?|resid(?:uals?)?",
    "background": r"baseline|bkg|bg|background",
    "error": r"err(?:ors?)?|sig(?:ma)?|std(?:ev|dev|err)?|esd|unc(?:ertaint(?:y|ies))?",
}
_OWN = r"g|gr|pdf|y|f|fq|s|sq|d|t|r|rdf|gk"
_ERROR = re.compile(
    rf"(?:d|delta|sigma|sig|err|error|std|unc|u)_?(?:{_OWN}|x|q)?|e|w|wt|weights?|\+/?-|±"
)

FUNCTIONS_OF = {
    "G(r)": "G Gr GofR Gofr PDF Pdf pdf GPDF Gpdf PDFG reducedPDF reducedpdf "
    "pairdistributionfunction reducedpairdistributionfunction",
    "g": "g gr",  # G(r) or g(r): without "(r)", a small letter says little
    "g(r)": "g() gofr gofR paircorrelationfunction paircorrelation g(r)",
    "RDF": "RDF rdf radialdistributionfunction",  # R(r) or g(r)
    "R(r)": "R Rr R()",
    "g(r)-1": "g-1 gr-1 gofr-1 gm1 h h() hr totalcorrelationfunction",
    "Keen G(r)": "GK Gk GKr Gkr GKofR GKofr Gkofr GKeen KeenG Gkeen keenG",
    "D(r)": "D Dr DofR Dofr d()",
    "T(r)": "T Tr TofR Tofr",
    "F": "F FQ Fq F() FofQ fq",  # F(Q) or Keen's F(Q)
    "F(Q)": "Q[S-1] Q(S-1) [S-1]Q reducedstructurefunction",
    "S(Q)": "S SQ Sq sq SofQ structurefactor",
    "S(Q)-1": "S-1 SQ-1 Sq-1",
    "I(Q)": "I IQ Iq Intensity intensity counts",
}
"""The labels of each function, without arguments; () is any argument."""
_KNOWN = {label: name for name, text in FUNCTIONS_OF.items() for label in text.split()}
OF_Q = frozenset({"F", "F(Q)", "Keen F(Q)", "S(Q)", "S(Q)-1", "I(Q)"})
_GENERIC = re.compile("y|values?|signal|function|amplitude|column_?2", re.IGNORECASE)


@dataclass(frozen=True)
class Label:
    """The meaning of the label of a column."""

    text: str
    # A key of `FUNCTIONS_OF`, "Keen F(Q)", "" if the label says nothing, None if it is
    # not understood.
    function: str | None
    role: str  # a key of `_ROLES` or ""
    unit: str  # that of the function: "Å", "nm", "pm", "bohr", "barn" or ""


def length_unit(text: str) -> str | None:
    """Return a unit of length, also of 1/length; "" for no text, None if unknown."""
    flat = re.sub(r"[\s$\\]|mathrm|text|rm(?=[^a-z])", "", text)
    flat = _INVERSE.sub("", _POWER.sub("", flat.strip("()[]"))).strip("{}()[]")
    if not flat:
        return ""
    for unit, pattern in _LENGTHS.items():
        if re.fullmatch(pattern, flat, re.IGNORECASE):
            return unit
    return None


def split_labels(line: str, *counts: int) -> list[str]:
    """Return as many labels of a line as one of the counts; if none fits, its words."""
    line = re.sub(r"^[\s#!%*@\"]*(?:L\s+)?", "", line).rstrip('" \n\t')
    line = line.replace("$", "")
    marks = (r"\t", ";", ",", r"\|", r"\s{2,}")
    for n, mark in itertools.product(counts, marks):
        outside = rf"\s*{mark}\s*(?![^(\[]*[)\]])" if mark != r"\s{2,}" else mark
        fields = re.split(outside, line)
        if len(fields) == n:
            return [_FILLERS.sub("", field.strip(" \"'")) for field in fields]
    return [found[0].strip("\"'.") for found in _WORD.finditer(_FILLERS.sub("", line))]


def abscissa(text: str) -> tuple[str, str | None] | None:
    """Return "r", "Q" or "2θ" and the unit of a label, or None if it is no abscissa."""
    found = re.fullmatch(
        r"(?P<name>r_?ij|r|q|x|rad(?:ius|ial distance)?|dist(?:ance)?s?|"
        r"(?:interatomic|pair|atomic) distances?|separation|momentum transfer|"
        r"wave[\W_]?vectors?|"
        r"2\W{0,2}th(?:eta)?|2θ|tth|two[\W_]?theta|angle|tof|energy|d-?spacing|"
        r"s(?=\s*[(\[/]))"  # in electron diffraction, Q or 1/d
        r"(?:[ _]?(?:grid|val(?:ue)?s?|axis|bins?|space))?"
        rf"\s*(?:(?P<bracket>{_BRACKET})|/\s*(?P<per>.+)|[_\s]*\bin\s+(?P<in>.+)"
        r"|[_\s,]+(?P<word>.+))?",
        text.replace("$", ""),
        re.IGNORECASE,
    )
    if found is None:
        return None
    name = found["name"].lower()
    marked = found["bracket"] or found["per"] or found["in"]
    unit = length_unit(marked[1:-1] if found["bracket"] else marked or "")
    if found["word"]:
        unit = length_unit(found["word"])
        if not unit:
            return None
    if name == "x":
        return "", unit
    of_r = name.startswith("r") or "dist" in name or name == "separation"
    is_q = name in ("q", "momentum transfer") or name.startswith("wave")
    return ("r" if of_r else "Q" if is_q else "2θ"), unit


def read_label(text: str, of_q: bool = False) -> Label:
    """Return the meaning of the label of a column, which may be a function of Q."""
    argument = "()" if re.search(r"\([rRqQ]\)", text) else ""
    plain = re.sub(r"\([rRqQ]\)|[$\\{}^*]|mathrm", "", text).strip()
    name, unit = _without_unit(plain)
    function, role = _known(name, argument), ""
    if function is None:
        name, role = _without_role(name)
        name, inner_unit = _without_unit(name)
        function, unit = _known(name, argument), unit or inner_unit
    if function == "G(r)" and unit == "barn":
        function = "Keen G(r)"
    if function in ("G(r)", "g") and not re.search(r"[2²]", text):
        unit = ""  # G(r) is in 1/Å²: another power says nothing
    if function == "F" and unit:
        function = "Keen F(Q)" if unit == "barn" else "F(Q)"
    if function and (function in OF_Q) is not of_q:
        function = None
    return Label(text, function, role, unit)


def _known(name: str, argument: str) -> str | None:
    """Return the function of a name, "" if it says nothing, None if it is not known."""
    joined = re.sub(r"[\s_.:]", "", name)
    if not joined or _GENERIC.fullmatch(name):
        return ""
    return (argument and _KNOWN.get(joined + argument)) or _KNOWN.get(joined)


def _without_unit(text: str) -> tuple[str, str]:
    """Return a label without its unit, and the unit: a length, "barn" or ""."""
    for found in re.finditer(rf"(?:{_BRACKET})\s*$|/\s*\S+$|,?\s+in\s+\S+$", text):
        inside = re.sub(r"^(?:/|,?\s*in\s+)|^[(\[{]|[)\]}]$", "", found[0].strip())
        if re.search(r"\bbarns?\b|\bb\b|fm", inside):
            return text[: found.start()], "barn"
        if _NO_UNIT.fullmatch(inside):
            return text[: found.start()], ""
        if unit := length_unit(inside):
            return text[: found.start()], unit
    return text, ""


def _without_role(name: str) -> tuple[str, str]:
    """Return a name without the words for a role, and the role."""
    if _ERROR.fullmatch(re.sub(r"\s", "", name.lower())):
        return "", "error"
    for role, words in _ROLES.items():
        mark = r"[\s_.:()\[\]-]"
        found = re.fullmatch(
            rf"(?P<own>.+{mark}|{_OWN})?{mark}*(?:{words}){mark}*"
            rf"(?P<rest>{mark}.+|{_OWN})?",
            name,
            re.IGNORECASE,
        )
        if found and not (found["own"] and found["rest"]):
            return (found["own"] or found["rest"] or "").strip(" _.:([-"), role
    return name, ""
