"""The text of a G(r) file: its table of numbers, and what its header says."""

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

MAX_BYTES = 16 * 2**20
"""The largest file that is read: twenty times a G(r) of 10,000 rows and 4 columns."""
MAX_ROWS = 1_000_000
MIN_ROWS = 10
"""The rows of numbers that make a table: headers have a few of them too."""
MAX_HEADER = 1000
"""The lines above a table in which keys are looked for."""
MAX_ABOVE = 100_000
"""The lines that a table may begin after."""
MAX_LINE = 1000
"""The characters of a line that are looked at, and that a row of numbers can have."""

Source = str | Path | IO[bytes] | IO[str]

_NUMBER = r"[-+]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][-+]?\d+)?"
# qsig and qalp are what PDFgui wrote before 2009.
_KEYS = {
    "qmin": "q_?min",
    "qmax": "q_?max",
    "qdamp": "qdamp|qsig",
    "qbroad": "qbroad|qalp",
}
# Of a Q, which is in one over a length: 1/nm, nm^-1, Å⁻¹, inv. Angstrom.
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
_RADIATIONS = {
    "xPDFsuite": "xray",
    "PDFgetN3": "neutron",
    "PDFgetX3": "xray",
    "PDFgetX2": "xray",
    "PDFgetN": "neutron",
    # Keen's G(r) is in barn: it is weighted by neutron scattering lengths.
    "RMCProfile": "neutron",
}
_LABELS = {
    "G": "G(r)",
    "Gr": "G(r)",
    "Gobs": "G(r)",
    "D": "D(r)",
    "R": "R(r)",
    "RDF": "R(r)",
    "T": "T(r)",
}
_OUTPUTS = {"gr": "G(r)", "fq": "F(Q)", "sq": "S(Q)", "iq": "I(Q)"}


@dataclass(frozen=True)
class Header:
    """What a header says about the table below it.

    Parameters
    ----------
    dialect
        The program that wrote it, or ``"key = value"``, or ``"columns"``.
    stated
        The conditions that it states, by the names of `Conditions`, unchecked; Q in
        Å⁻¹ where it says in which unit, or as it is.
    unitless
        Those of the conditions in Å⁻¹ that it states without a unit.
    quantity
        The function in the table, as in ``"F(Q)"``; empty if it does not say.
    columns
        The columns of the table whose sum is the function.
    r_unit
        The unit of r, ``"Å"``, ``"nm"`` or ``"pm"``.
    composition
        The composition, unchecked; empty if it does not say.
    """

    dialect: str
    stated: dict[str, float | str]
    unitless: tuple[str, ...]
    quantity: str
    columns: tuple[int, ...]
    r_unit: str
    composition: str


def read_text(source: Source) -> str:
    """Return the text of a file, unpacked if it is compressed by gzip.

    Raises
    ------
    ValueError
        If it is too large or not a text.
    """
    if isinstance(source, str | Path):
        with Path(source).open("rb") as file:
            content: bytes | str = file.read(MAX_BYTES + 1)
    else:
        content = source.read(MAX_BYTES + 1)
    if isinstance(content, bytes):
        content = _decode(_unpack(content))
    if len(content) > MAX_BYTES:
        raise ValueError(
            f"it is over {MAX_BYTES >> 20} MiB, far more than a G(r); give the G(r) "
            "alone, in steps of 0.01 Å"
        )
    return content


def _unpack(content: bytes) -> bytes:
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        return gzip.GzipFile(fileobj=BytesIO(content)).read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        raise ValueError("it is broken as a gzip file; copy it again") from None


def _decode(content: bytes) -> str:
    """Return text in UTF-8, or UTF-16 with a mark, or else Latin-1."""
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            return content.decode("utf-16")
        if b"\x00" in content:
            raise ValueError("it is not a text file; export the G(r) as text")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def read_table(text: str) -> tuple[list[str], NDArray[np.float64]]:
    """Return the lines above the table of a file, and the table, (n, n_columns).

    The table is the first `MIN_ROWS` rows or more of two or more numbers each, by
    spaces, tabs, commas or semicolons, among the first `MAX_ABOVE` lines. Empty lines
    and comments do not end it.

    Raises
    ------
    ValueError
        If there is no table, or another line breaks it.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines: list[str] = []
    rows: list[list[float]] = []
    start = lonely = end = 0
    for i, line in enumerate(_lines(text)):
        if i > MAX_ABOVE + MIN_ROWS and len(rows) < MIN_ROWS:
            break
        lines.append(line)
        end += len(line)
        stripped = line.strip(" \t\n\x1a")
        if not stripped or stripped[0] in "#!%":
            # A few rows above a comment are part of a header, as in PDFgetN's.
            if stripped and len(rows) < MIN_ROWS:
                rows = []
            continue
        may_be_row = stripped[0] in '0123456789+-."' and len(stripped) <= MAX_LINE
        row = _numbers(stripped) if may_be_row else []
        lonely += len(row) == 1
        if rows and len(row) == len(rows[0]):
            rows.append(row)
            _check_rows(len(rows))
            if len(rows) == MIN_ROWS:
                rest = _plain_rows(_plain(text[end:], stripped), len(row))
                if rest is not None:
                    return lines[:start], np.concatenate([np.array(rows), rest])
        elif len(rows) >= MIN_ROWS:
            raise ValueError(
                f"line {i + 1}, {stripped[:40]!r}, is no row of {len(rows[0])} numbers "
                "as those above it; the file may be cut short, or be two in one"
            )
        else:
            rows = [row] if len(row) > 1 else []
            start = i
    if len(rows) >= MIN_ROWS:
        return lines[:start], np.array(rows)
    if lonely >= MIN_ROWS:
        raise ValueError("it has one column of numbers; give two, r and G(r)")
    if not text.strip():
        raise ValueError("it is empty")
    raise ValueError(
        f"it has no table of {MIN_ROWS} rows of numbers or more; give r and G(r) in "
        "columns"
    )


def _lines(text: str) -> Iterator[str]:
    """Yield the lines of a text, without a copy of all of it."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def _check_rows(n: int) -> None:
    if n > MAX_ROWS:
        raise ValueError(
            f"it has more than {MAX_ROWS:,} rows; give G(r) in steps of 0.01 Å"
        )


def _plain(text: str, row: str) -> str:
    """Return a text with spaces between numbers, and points in them, as in a row."""
    text, row = (each.replace(";", " ").replace('"', "") for each in (text, row))
    if "," in row:
        text = text.replace(",", "." if _has_decimal_commas(row.split()) else " ")
    return text


def _has_decimal_commas(fields: Sequence[str]) -> bool:
    decimal = r"[-+]?\d+(,\d+)?([eE][-+]?\d+)?"
    return len(fields) > 1 and all(re.fullmatch(decimal, field) for field in fields)


def _plain_rows(text: str, n: int) -> NDArray[np.float64] | None:
    """Return the rows of a text that are n plain numbers each; None if one is not.

    Nearly all files are so from the first row on, and are read by Arrow then.
    """
    code = np.frombuffer(text.encode() + b"\n", np.uint8)
    ink = np.concatenate([[False], code > ord(" ")])
    # Where fields begin and end, in turn.
    edges = np.flatnonzero(ink[1:] != ink[:-1]).astype(np.int32)
    starts = edges[::2]
    rows, more = divmod(starts.size, n)
    if not rows or more:
        return None
    _check_rows(rows + MIN_ROWS)
    # Each line is a whole row, or empty.
    ends = np.flatnonzero(code == ord("\n")).astype(np.int32)
    in_line = np.diff(np.searchsorted(starts, ends), prepend=0)
    if not ((in_line == n) | (in_line == 0)).all():
        return None
    # What is between the fields is null; past pa.array and to_numpy, which import
    # pandas.
    odd = np.packbits(np.tile([True, False], starts.size), bitorder="little")
    fields = pa.StringArray.from_buffers(
        edges.size - 1, pa.py_buffer(edges), pa.py_buffer(code), pa.py_buffer(odd)
    )
    try:
        numbers = fields.cast(pa.float64())
    except pa.ArrowInvalid:
        return None
    whole = np.frombuffer(numbers.buffers()[1], np.float64)
    return whole[: edges.size : 2].reshape(-1, n)


def _numbers(line: str) -> list[float]:
    """Return the numbers of a row, none if anything else is in it."""
    line = line.replace('"', "").replace(";", " ")
    fields = line.split()
    if "," in line:
        if _has_decimal_commas(fields):
            fields = [field.replace(",", ".") for field in fields]
        else:
            fields = line.replace(",", " ").split()
    try:
        return [_number(field) for field in fields]
    except ValueError:
        return []


def _number(field: str) -> float:
    try:
        return float(field)
    except ValueError:
        # Fortran has exponents as in 1.0D+02, and stars for what does not fit.
        if field.strip("*") == "":
            return np.nan
        return float(field.lower().replace("d", "e"))


def read_header(lines: Sequence[str], name: str, n_columns: int) -> Header:
    """Return what the lines above a table say.

    Parameters
    ----------
    lines
        The lines above the table.
    name
        The name of the file, whose ending may tell what it holds.
    n_columns
        The number of columns of the table.
    """
    lines = [line.strip()[:MAX_LINE] for line in lines if re.search(r"\w", line)]
    lines = lines[-MAX_HEADER:]
    text = "\n".join(lines)
    last = lines[-1] if lines else ""
    name = name.lower().removesuffix(".gz")
    stated: dict[str, float | str] = {}
    unitless = []
    for key, names in _KEYS.items():
        # The boundary keeps qmaxinst and optqmax out.
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
    """Return the radiation, as a key states it, or the program, or the words."""
    word = r"(electron|x|n)(?:-?rays?|eutrons?|s)?\b"
    keys = rf"^[^\w\n]*(?:mode|stype|radiation)\s*[=:]\s*[\"']?{word}"
    found = re.search(keys, text, re.MULTILINE | re.IGNORECASE)
    if found:
        said = found[1].lower()
        return {"x": "xray", "n": "neutron"}.get(said, said)
    if dialect in _RADIATIONS:
        return _RADIATIONS[dialect]
    # Not the names of files: they tell of other measurements too.
    words = "\n".join(line for line in lines if not re.search(r"[/\\]|file", line))
    found_words = {
        radiation
        for radiation, pattern in (
            ("xray", r"\bx-?rays?\b"),
            ("neutron", r"\bneutrons?\b"),
        )
        if re.search(pattern, words, re.IGNORECASE)
    }
    return found_words.pop() if len(found_words) == 1 else ""


def _labels(line: str) -> tuple[str, str]:
    """Return the function and the unit of r by a line of column labels.

    Such lines are ``#L r(Å)  G(Å$^{-2}$)``, ``#L r G(r) dr dG(r)`` or ``Q,F(Q)``.
    """
    line = re.sub(r"^[\s#!%;\"]*(?:L\s+)?", "", line)
    label = r"([^\W\d]\w*|2\W?th\w*|2θ)[\"\s]*([(\[][^)\]]*[)\]]|/\s*\w+)?"
    found = re.findall(label, line)
    if len(found) < 2 or "=" in line:
        return "", "Å"
    (x, x_unit), (y, y_argument) = found[:2]
    kind = x.lower().partition("_")[0]
    if kind == "r":
        # A g alone may mean G(r) as well.
        quantity = "g(r)" if y + y_argument == "g(r)" else _LABELS.get(y, "")
        unit = re.search("nm|pm", x + x_unit)
        return quantity, unit[0] if unit else "Å"
    if re.fullmatch(r"q|2|2\W?th\w*|2θ|tth|two|twotheta", kind):
        return f"{y}({x})", "Å"
    return "", "Å"
