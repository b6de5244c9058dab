"""The function in a file: what its labels, its program and its values say."""

from gromega.measured import checks, labels
from gromega.measured.columns import Columns
from gromega.measured.header import OF_BILLINGE, Header
from gromega.measured.options import FUNCTIONS, R_UNITS
from gromega.measured.quantities import Floats
from gromega.measured.table import MIN_ROWS

UNCLEAR = frozenset({"", "G(r)", "g"})
"""The labels of both G(r) and Keen's G(r)."""


def function_of(
    columns: Columns,
    header: Header,
    unit: str,
    x: Floats,
    y: Floats,
    notes: list[str],
) -> str:
    """Return which of `options.FUNCTIONS` two columns hold, or "G(r)/r".

    A note is added to `notes` if the values decide, or cannot. Raise ValueError if it
    is none of them, or not known.
    """
    function = columns.function
    if function is None:
        raise ValueError(
            f"the meaning of its label {columns.label!r} is not known; give quantity, "
            f"one of {', '.join(FUNCTIONS)}"
        )
    if columns.of not in ("r", "Q") or function == "I(Q)":
        held = f"{columns.label}({columns.x_label})" if columns.label else function
        raise ValueError(
            f"it holds {held}, not G(r); transform it to G(r) first, with PDFgetX3 for "
            "example"
        )
    if columns.of == "Q" or function in labels.OF_Q:
        return _of_q(function, header)
    r = x * R_UNITS[unit]
    relevant = (r > checks.RELEVANT_RMAX / 10) & (r < checks.RELEVANT_RMAX)
    if relevant.sum() < MIN_ROWS:
        relevant[:] = True
    if function in ("g", "g(r)", "RDF") and checks.tends_to_one(y[relevant]):
        return "g(r)"
    if function == "RDF":
        if not checks.grows(r[relevant], y[relevant]):
            raise ValueError(
                f"its label {columns.label!r} may mean g(r) or R(r); give quantity"
            )
        return "R(r)"
    if function == "g(r)":
        is_minus_one = checks.is_keen(r, y) and checks.oscillates(y[relevant])
        return "g(r)-1" if is_minus_one else function
    if function not in UNCLEAR:
        return function
    if header.dialect in OF_BILLINGE or columns.y_unit in R_UNITS:
        return "G(r)"
    return _by_values(header.dialect == "RMCProfile", checks.is_keen(r, y), notes)


def _of_q(function: str, header: Header) -> str:
    if function == "F" and header.dialect in OF_BILLINGE:
        return "F(Q)"
    if function == "F":
        raise ValueError(
            "it holds F(Q), which may be Q (S(Q) - 1) or <b>² (S(Q) - 1); give "
            "quantity 'F(Q)' for the first or 'Keen F(Q)' for the second"
        )
    if not function:
        raise ValueError("it holds a function of Q without a label; give quantity")
    return function


def _by_values(of_rmc: bool, keen: bool | None, notes: list[str]) -> str:
    """Return G(r), Keen's G(r), or "G(r)/r" if it may be Keen's or g(r)-1."""
    if keen is None and not of_rmc:
        notes.append(
            "Its values do not show whether it is G(r) or Keen's G(r); G(r) is "
            "assumed. Give quantity if it is another function."
        )
    elif keen is not None and keen is not of_rmc:
        shown, other = ("even", "Keen's G(r), or g(r)-1") if keen else ("odd", "G(r)")
        notes.append(f"It is {other}, because its values near r = 0 are {shown} in r.")
    if of_rmc and keen is not False:
        return "Keen G(r)"
    return "G(r)/r" if keen else "G(r)"
