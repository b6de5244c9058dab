"""The columns of r (or Q) and of the measured function in a table."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from gromega.measured.labels import (
    OF_Q,
    Label,
    abscissa,
    length_unit,
    read_label,
    split_labels,
)

_OUTPUTS = {
    "gr": "G(r)", "fq": "F", "sq": "S(Q)", "iq": "I(Q)", "gofr": "g", "dofr": "D(r)",
    "mgor01": "g", "mdor01": "D(r)", "mint01": "Keen F(Q)", "soq": "S(Q)",
    "chi": "I(Q)", "xy": "",
}  # fmt: skip
"""The function in files of a suffix, and of an outputtype of PDFgetX3. Gudrun writes
``.mgor01``, which may be g(r) or g(r) - 1, ``.mdor01`` and ``.mint01``."""
# What follows these in a sentence is the input of a transform, not what the file holds.
_INPUT = re.compile(
    r"\b(?:from|FF?T|input|normali[sz]\w*|(?:convert|transform)\w*(?!\s+(?:in)?to\b))(?!\w)",
    re.IGNORECASE,
)
_TIMES_Q = re.compile(r"\bQ\s*[*·]?\s*[\[(]\s*S\(Q\)\s*[-−]\s*1\s*[\])]")
_SEPARATE = 0.5  # the correlation above which two columns may be one curve twice
# The first of these that has a column of its own is read.
_PREFERRED = ("G(r)", "D(r)", "F(Q)", "S(Q)")


@dataclass(frozen=True)
class Columns:
    """The columns of a measured function, what they are, and their units."""

    x: int = 0
    y: tuple[int, ...] = (1,)  # their sum is the function
    of: str = "r"  # "r", "Q", or another abscissa
    # A key of `labels.FUNCTIONS_OF` or "Keen F(Q)"; "" if nothing states it, None if
    # its label is not understood.
    function: str | None = ""
    label: str = ""  # as it is written
    unit: str | None = ""  # of r or 1/Q; "" if not stated, None if not understood
    x_label: str = ""
    y_unit: str = ""


def read_columns(
    lines: Sequence[str],
    name: str,
    table: NDArray[np.float64],
    column: int | None = None,
) -> Columns:
    """Return the columns of a table, from the lines above it and the name of the file.

    Parameters
    ----------
    column
        The column of the function, counted from 1, if it is given.

    Raises
    ------
    ValueError
        If the column is not in the table, or it is not known which one was measured.
    """
    n = table.shape[1]
    if column is not None and not 2 <= column <= n:
        raise ValueError(
            f"column must be from 2 to {n}, the number of its columns, got {column}"
        )
    index = _has_index(table)
    given = None if column is None else column - 1
    found = _labelled(lines, table, index, given)
    if found is None:
        found = _unlabelled(table, index, given)
    if found.function == "":
        function = _stated(lines, name, found)
        if function in OF_Q or (function == "" and _is_of_q(lines, name, found)):
            found = replace(found, of="Q")
        found = replace(found, function=function)
    return _with_unit(found, lines)


def _has_index(table: NDArray[np.float64]) -> bool:
    """Return whether the first column counts rows and the second one is r."""
    first = table[0, 0]
    if table.shape[1] < 3 or first not in (0, 1) or table[1, 0] != first + 1:
        return False
    steps = np.diff(table[:, 1])
    return bool(
        np.array_equal(table[:, 0], np.arange(len(table)) + first)
        and steps.min() > 0
        and steps.max() <= 3 * np.median(steps)
    )


def _labelled(
    lines: Sequence[str], table: NDArray[np.float64], index: bool, given: int | None
) -> Columns | None:
    """Return the columns by the last line of labels; None without such a line."""
    n = table.shape[1]
    for line in reversed(lines[-8:]):
        whole, line = line, re.sub(r"\b\w+\s*=\s*[-+\d.]\S*", "", line)
        counts = (n, n - 1) if index else (n,)
        if "=" in line or not (fields := split_labels(line, *counts)):
            continue
        if len(fields) == n == 2:
            alone = abscissa(line.strip(' #"'))
            if alone and alone[1] is not None:
                continue  # the label of an axis, in two words
            if in_reverse := _in_reverse(*fields):
                return in_reverse
        if index and (len(fields) == n - 1 or abscissa(fields[0]) is None):
            fields = fields if len(fields) == n - 1 else fields[1:]
            first = 1
        else:
            first = 0
        axis = abscissa(fields[0]) if fields else None
        of, unit = axis or ("", "")
        labels = [read_label(text, of not in ("", "r")) for text in fields[1:]]
        complete = 1 + len(labels) + first == n
        known = bool(labels) and (labels[0].function or labels[0].role)
        if not labels or not (
            (axis and (complete or known or re.search(r"\([rQ]\)", labels[0].text)))
            or (complete and known and len(fields[0].split()) == 1)
        ):
            continue
        if complete and any(re.fullmatch(r"[-+\d.,]+", text) for text in fields):
            continue
        # A sentence on Q or r, such as "r in Å, Q in nm^-1" and "Q limits [1, 24]".
        if labels[0].function is None and (
            whole != line or abscissa(fields[1]) or re.search(r"\[\s*[\d.]+\s*,", line)
        ):
            continue
        columns = Columns(first, unit=unit, x_label=fields[0], of=of or "r")
        if given is not None:
            k = given - first - 1
            label = labels[k] if 0 <= k < len(labels) else Label("", "", "", "")
            return _of_label(columns, label, given)
        if _is_pdfgui_fit(fields) and n == 5:
            return replace(columns, y=(1, 4), function="G(r)", label=labels[0].text)
        if not complete:
            labels = labels[: n - first - 1]
        chosen = _measured(labels)
        return _of_label(columns, labels[chosen], first + 1 + chosen)
    return None


def _in_reverse(first: str, second: str) -> Columns | None:
    """Return the columns of labels such as G(r) and r, in this order."""
    axis, label = abscissa(second), read_label(first)
    if not axis or axis[0] != "r" or not label.function or abscissa(first):
        return None
    return _of_label(Columns(1, unit=axis[1], x_label=second), label, 0)


def _is_pdfgui_fit(fields: Sequence[str]) -> bool:
    """Return whether labels are r, Gcalc, 0, 0 and Gobs - Gcalc of a fit of PDFgui."""
    return len(fields) == 5 and fields[4].lower() == "gdiff" and fields[2] == "d_r"


def _of_label(columns: Columns, label: Label, k: int) -> Columns:
    return replace(
        columns, y=(k,), function=label.function, label=label.text, y_unit=label.unit
    )


def _measured(labels: Sequence[Label]) -> int:
    """Return which of the labels beside r or Q is that of the measured function."""
    roles = {x.role for x in labels}
    functions = [
        k
        for k, x in enumerate(labels)
        if x.role not in ("error", "difference", "background")
    ]
    # Data with a background may not be the function that is also there without.
    subtracted = {"observed", "background", ""} <= roles
    for role in () if subtracted else ("observed", ""):
        of_role = [k for k in functions if labels[k].role == role]
        known = [k for k in of_role if labels[k].function is not None]
        for preferred in _PREFERRED if role == "" else ():
            best = [k for k in known if labels[k].function == preferred]
            if len(best) == 1:
                return best[0]
        for candidates in (of_role, known):
            if len(candidates) == 1:
                return candidates[0]
        if of_role:
            break
    # The calculated curve of a fit is not the measured one.
    of_fit = "calculated" in roles and not roles.isdisjoint(
        {"difference", "background"}
    )
    if len(functions) == 1 and not of_fit:
        return functions[0]
    names = ", ".join(label.text for label in labels)
    raise ValueError(
        f"it is not known which of its columns {names} is measured; give column, "
        "counted from 1"
    )


def _unlabelled(table: NDArray[np.float64], index: bool, given: int | None) -> Columns:
    """Return the first columns of a table without labels, if only one is a curve."""
    x = int(index)
    if given is not None:
        return Columns(x, (given,))
    if table.shape[1] <= x + 1:
        x = 0
    y = x + 1
    for k in range(y + 1, table.shape[1]):
        if np.array_equal(table[:, x], table[:, k]):
            raise ValueError("it has r in more than one column; give column")
        pair = table[:, [y, k]]
        curve, other = pair[np.isfinite(pair).all(axis=1)].T
        if other.size == 0 or other.min() >= 0 or np.ptp(other) == 0:
            continue
        curve, other = curve - curve.mean(), other - other.mean()
        scale = np.linalg.norm(curve) * np.linalg.norm(other)
        if scale and abs(curve @ other) > _SEPARATE * scale:
            raise ValueError(
                f"columns {y + 1} and {k + 1} are alike, and no label says which is "
                "measured; give column"
            )
    return Columns(x, (y,))


def _stated(lines: Sequence[str], name: str, columns: Columns) -> str | None:
    """Return the function that a key, a sentence or the name of the file states."""
    text = "\n".join(lines)
    suffix = _path(name).suffix[1:]
    axis = _stated_axis(columns)
    abscissas = [axis == "Q"] if axis else [False, True]
    key = (
        r"^\W*(?:data[ _]?type|function|quantity|y[ _-]?(?:label|axis)|outputtypes?)"
        r"(?: label)?[\"']?\s*[:=]?\s*[\"']?([^\n\"',;]+)"
    )
    found = re.search(key, text, re.MULTILINE | re.IGNORECASE)
    if found:
        stated = found[1].strip()
        if stated in _OUTPUTS:
            return _OUTPUTS[stated]
        for of_q in abscissas:
            label = read_label(stated, of_q)
            if label.function is not None:
                return label.function
        if re.search(r"\([rQ]\)", stated):
            return None
    for of_q in abscissas:
        if functions := set(_named(lines, of_q)):
            return functions.pop() if len(functions) == 1 else _OUTPUTS.get(suffix, "")
    return _OUTPUTS.get(suffix, "")


def _is_of_q(lines: Sequence[str], name: str, columns: Columns) -> bool:
    """Return whether a sentence or the name of the file tells a function of Q."""
    path = _path(name)
    if _stated_axis(columns) or path.suffix == ".gr":
        return False
    text = "\n".join(map(_without_input, lines))
    words = (
        r"structure[ _-]?(?:factor|function)s?|momentum[ _-]transfer|wave[ _-]?vectors?"
    )
    return bool(
        re.search(rf"\b(?:{words})\b", text, re.IGNORECASE)
        or re.search(r"[_.-](?:fo?q|so?q|iq|sqm1)$", path.stem)
        or re.fullmatch(r"\.(?:fo?q|so?q|iq|sqm1)", path.suffix)
    )


def _stated_axis(columns: Columns) -> str:
    """Return "r", "Q" or "2θ" if the label of x says it, else an empty text."""
    axis = abscissa(columns.x_label)
    return axis[0] if axis else ""


def _path(name: str) -> PurePath:
    """Return the name of a file in small letters, without .gz."""
    return PurePath(name.lower().removesuffix(".gz"))


def _without_input(line: str) -> str:
    """Return a line without the words on the input of a transform."""
    found = _INPUT.search(line)
    return line[: found.start() if found else None].rpartition("->")[2]


def _named(lines: Sequence[str], of_q: bool) -> Iterator[str]:
    """Yield the functions that sentences name, such as g(r) - 1."""
    for line in map(_without_input, lines):
        named = _TIMES_Q.sub("", line)
        if of_q and named != line:
            yield "F(Q)"
        words = r"[A-Za-z]\w*\([rQ]\)(?:\s?-\s?1\b)?(?!\s*=\s*[\d.])"
        for word in re.findall(words, named):
            if function := read_label(word.replace(" ", ""), of_q).function:
                yield function


def _with_unit(columns: Columns, lines: Sequence[str]) -> Columns:
    """Return columns with the unit of r or Q that the lines state elsewhere."""
    if columns.unit != "":
        return columns
    text = "\n".join(lines)
    # Not the unit of a detector distance, or of the radius r of a particle.
    found = re.search(
        r"(?:^|[,;{])[^\w\n]*(?:[rRxX]|length|(?:pair |interatomic )?distance)"
        r"[ _-]?units?\b[\"']?\s*[:=]\s*[\"']?([^\s\"',;]+)"
        r"|^\W*units?\s*[:=]\s*([^\s,;]+)"
        r"|^[^\w\n]*(?:distances|(?:all )?lengths) in ([^\s,;.)]+)"
        r"|(?<!radius )(?<!diameter )(?<!size )\b[rR] (?:is )?in ([^\s,;.)]+)",
        text,
        re.MULTILINE,
    )
    if found:
        unit = length_unit(found[1] or found[2] or found[3] or found[4])
        if unit or not found[2]:
            return replace(columns, unit=unit)
    # Origin writes the units below the labels.
    last = split_labels(lines[-1], 2) if lines else []
    unit = length_unit(last[0]) if len(last) > 1 else ""
    return replace(columns, unit=unit) if unit else columns
