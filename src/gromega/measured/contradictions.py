"""Options that contradict the header of a file."""

import math
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from gromega.crystals.composition import parse_composition
from gromega.measured.columns import Columns
from gromega.measured.functions import UNCLEAR
from gromega.measured.header import Header
from gromega.measured.options import FUNCTIONS, ReadOptions

_SAME = 1e-4  # the relative difference of numbers that are written with few digits


def note_contradictions(
    columns: Columns,
    header: Header,
    options: ReadOptions,
    unit: str,
    notes: list[str],
) -> None:
    """Add a note for each option that contradicts what a file with a unit states."""
    for name, stated, given in _pairs(columns, header, options, unit):
        notes.append(
            f"The header's {name} of {_text(stated)} was not used, because the option "
            f"is {_text(given)}."
        )


def _pairs(
    columns: Columns, header: Header, options: ReadOptions, unit: str
) -> Iterator[tuple[str, Any, Any]]:
    """Yield a name, the file's value and that of the option, where they differ."""
    given = options.given()
    # Values that may be in another unit cannot be compared.
    unclear = () if unit == "Å" else header.unitless
    for name in [n for n in header.stated if n in given and n not in unclear]:
        if not _equal(header.stated[name], given[name]):
            yield name, header.stated[name], given[name]
    if options.composition and not options.without_composition:
        with suppress(ValueError):
            if not _same_composition(header.composition, options.composition):
                yield "composition", header.composition, options.composition
    if options.r_unit and columns.unit not in ("", None, options.r_unit):
        yield "unit of r", columns.unit, options.r_unit
    clear = {*FUNCTIONS} - UNCLEAR - {options.quantity}
    if options.quantity and columns.function in clear:
        yield "quantity", columns.function, options.quantity


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return bool(one == other)
    return math.isclose(one, other, rel_tol=_SAME)


def _same_composition(one: str, other: str) -> bool:
    """Return whether two formulas have the same ratios; ValueError if one is none."""
    shares = []
    for formula in (one, other):
        counts = parse_composition(formula)
        total = sum(counts.values())
        shares.append({element: n / total for element, n in counts.items()})
    a, b = shares
    return a.keys() == b.keys() and all(_equal(a[e], b[e]) for e in a)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:g}"
