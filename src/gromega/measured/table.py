"""The text of a G(r) file, and its table of numbers."""

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from io import BytesIO, StringIO
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

MAX_BYTES = 16 * 2**20
"""The largest file that is read: twenty times a G(r) of 10,000 rows and 4 columns."""
MAX_ROWS = 1_000_000
MIN_ROWS = 10
"""The fewest rows of a table; headers may have a few rows of numbers too."""
MAX_ABOVE = 100_000  # the most lines above a table
MAX_LINE = 1000  # the most characters of a row
# Plotting programs write U+2212, word processors other dashes and blanks.
_ASCII = {**dict.fromkeys("\u2212\u2013\u2010\u2011\ufe63\uff0d", "-")}
_ASCII |= {**dict.fromkeys("\u00a0\u2009\u202f", " "), "\u200b": "", "\ufeff": ""}


Source = str | Path | IO[bytes] | IO[str]


def read_text(source: Source) -> str:
    """Return the text of a file, which may be compressed by gzip.

    Raise ValueError if the file is too large or is not text.
    """
    if isinstance(source, str | Path):
        with Path(source).open("rb") as file:
            content: bytes | str = file.read(MAX_BYTES + 1)
    else:
        content = source.read(MAX_BYTES + 1)
    if isinstance(content, bytes):
        content = _decode(content)
    if len(content) > MAX_BYTES:
        raise ValueError(
            f"it is larger than {MAX_BYTES >> 20} MiB, far more than a G(r) needs; "
            "give the G(r) alone, in steps of 0.01 Å"
        )
    return content


def _decode(content: bytes) -> str:
    """Return text in UTF-8, in UTF-16 with a byte order mark, or else in Latin-1."""
    if content.startswith(b"\x1f\x8b"):
        try:
            content = gzip.GzipFile(fileobj=BytesIO(content)).read(MAX_BYTES + 1)
        except (OSError, EOFError, zlib.error):
            raise ValueError("it is broken as a gzip file; copy it again") from None
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            return content.decode("utf-16")
        if b"\x00" in content:
            raise ValueError("it is not a text file; export the G(r) as text")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def read_table(text: str) -> tuple[list[str], NDArray[np.float64]]:
    """Return the lines above the table of a text, and the table, (n, n_columns).

    The table is the first block of at least `MIN_ROWS` rows of two or more numbers,
    separated by spaces, tabs, commas or semicolons. It begins within the first
    `MAX_ABOVE` lines. Empty lines and comments do not end it. Raise ValueError if there
    is no table, or a line within it is not a row.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    for mark, ascii_mark in () if text.isascii() else _ASCII.items():
        text = text.replace(mark, ascii_mark)
    lines: list[str] = []
    rows: list[list[float]] = []
    start = single = end = 0
    for i, line in enumerate(_lines(text)):
        if i > MAX_ABOVE + MIN_ROWS and len(rows) < MIN_ROWS:
            break
        lines.append(line)
        end += len(line)
        stripped = line.strip(" \t\n\x1a")
        if not stripped or stripped[0] in "#!%":
            # A few rows above a comment belong to the header, as in files of PDFgetN.
            if stripped and len(rows) < MIN_ROWS:
                rows = []
            continue
        may_be_row = stripped[0] in '0123456789+-."' and len(stripped) <= MAX_LINE
        row = _numbers(stripped) if may_be_row else []
        single += len(row) == 1
        if rows and len(row) == len(rows[0]):
            rows.append(row)
            _check_rows(len(rows))
            if len(rows) == MIN_ROWS:
                rest = _uniform_rows(_with_points(text[end:], stripped), len(row))
                if rest is not None:
                    return lines[:start], np.concatenate([np.array(rows), rest])
        elif len(rows) >= MIN_ROWS:
            raise ValueError(
                f"line {i + 1}, {stripped[:40]!r}, is not a row of {len(rows[0])} "
                "numbers like those above it; give a file with one whole table"
            )
        else:
            rows = [row] if len(row) > 1 else []
            start = i
    if len(rows) >= MIN_ROWS:
        return lines[:start], np.array(rows)
    if single >= MIN_ROWS:
        raise ValueError("it has one column of numbers; give two columns, r and G(r)")
    if not text.strip():
        raise ValueError("it is empty")
    raise ValueError(
        f"it has no table of at least {MIN_ROWS} rows of numbers; give r and G(r) in "
        "columns"
    )


def _lines(text: str) -> Iterator[str]:
    """Yield the lines of a text without copying all of it."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def _check_rows(n: int) -> None:
    if n > MAX_ROWS:
        raise ValueError(
            f"it has more than {MAX_ROWS:,} rows; give the G(r) in steps of 0.01 Å"
        )


def _with_points(text: str, row: str) -> str:
    """Return a text with spaces and decimal points where a row has other marks."""
    # A comma between quoted numbers is no decimal comma.
    text, row = (
        re.sub(r'"\s*,\s*"', " ", each).replace(";", " ").replace('"', "")
        for each in (text, row)
    )
    if "," in row:
        # 0,01, -0,5 has decimal commas; 0.01, -0.5 and 0,01,-0,5 have not.
        spaced = re.split(r",\s+", row)
        if "," in "".join(spaced) and _has_decimal_commas(spaced):
            text = re.sub(r",(?=\s)", " ", text)
            row = " ".join(spaced)
        text = text.replace(",", "." if _has_decimal_commas(row.split()) else " ")
    return text


def _has_decimal_commas(fields: Sequence[str]) -> bool:
    decimal = r"[-+]?\d+(,\d+)?([eE][-+]?\d+)?"
    return len(fields) > 1 and all(re.fullmatch(decimal, field) for field in fields)


def _uniform_rows(text: str, n: int) -> NDArray[np.float64] | None:
    """Return the rows of a text if it is rows of n numbers only, else None.

    Most files do, and NumPy reads them much faster than a loop over the lines.
    """
    if not text.isascii() or not text.strip():
        return None
    _check_rows(text.count("\n"))
    try:
        rows = np.loadtxt(StringIO(text), ndmin=2, comments=None)
    except ValueError:
        return None
    return rows if rows.shape[1] == n else None


def _numbers(line: str) -> list[float]:
    """Return the numbers of a row; none if the row holds anything else."""
    try:
        return [_number(field) for field in _with_points(line, line).split()]
    except ValueError:
        return []


def _number(field: str) -> float:
    try:
        return float(field)
    except ValueError:
        # Fortran writes 1.0D+02, and stars for a number that does not fit.
        if field.strip("*") == "":
            return np.nan
        return float(field.lower().replace("d", "e"))
