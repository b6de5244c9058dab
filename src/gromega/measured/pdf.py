"""Measured PDFs: G(r) and its conditions from the file of any program."""

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from gromega.conditions import QUANTITIES, REFERENCE, Conditions
from gromega.crystals.composition import parse_composition
from gromega.measured import checks
from gromega.measured.columns import Columns, read_columns
from gromega.measured.contradictions import note_contradictions
from gromega.measured.functions import function_of
from gromega.measured.header import NO_UNIT, Header, header_lines, read_header
from gromega.measured.options import UNKNOWN, ReadOptions
from gromega.measured.quantities import (
    OF_Q,
    Floats,
    sine_transform,
    to_angstroms,
    to_g,
)
from gromega.measured.table import Source, read_table, read_text

_LIMITS = ("rmin", "rmax")  # they cut the data


@dataclass(frozen=True, eq=False)
class MeasuredPDF:
    """A measured G(r) with its conditions.

    Parameters
    ----------
    r
        The distances, (n,), in Å, increasing.
    g
        G(r), (n,), in Å⁻², on the scale of the file.
    stated
        The conditions that the header or the caller states, and the range of the data,
        by the names of `Conditions`. The other conditions are not known. A value may be
        one that `Conditions` does not allow, such as a Qmax of 40 Å⁻¹.
    dialect
        The program that wrote the file, ``"key = value"`` for the header of an unknown
        program, or ``"columns"`` without a header.
    notes
        The conversions and omissions of reading and what is uncertain, a sentence each.
    composition
        The composition, such as ``"SrTiO3"``, that the caller or the header states;
        None if it is not known.
    usual
        The conditions that the program usually means and that nothing states.
    """

    r: Floats
    g: Floats
    stated: Mapping[str, Any]
    dialect: str
    notes: tuple[str, ...] = ()
    composition: str | None = None
    usual: Mapping[str, Any] = field(default_factory=dict)

    @property
    def assumed(self) -> tuple[str, ...]:
        """The names of the conditions that are not known."""
        return tuple(f.name for f in fields(Conditions) if f.name not in self.stated)

    def conditions(self) -> Conditions:
        """Return the conditions, those of the reference where they are not known.

        The range is that of the data, within the range of the network. A value that is
        not allowed is replaced by the nearest one that is.
        """
        values = {**self.usual, **_nearest(self.stated)}
        values["rmin"] = max(values["rmin"], REFERENCE.rmin)
        values["rmax"] = min(values["rmax"], REFERENCE.rmax)
        return Conditions.from_mapping(values)


def read_pdf(
    source: Source,
    *,
    quantity: str | None = None,
    r_unit: str | None = None,
    column: int | None = None,
    composition: str | None = None,
    number_density: float | None = None,
    **conditions: Any,
) -> MeasuredPDF:
    """Return the measured PDF of a file.

    The file is one of PDFgetX3, PDFgetN3, xPDFsuite, PDFgetX2, PDFgetN, PDFgui (also
    a fit), diffpy.srfit, RMCProfile, STOG, GSAS-II, Gudrun, NOMAD or Mantid, or has
    columns of numbers below any header. It may be compressed by gzip.

    Parameters
    ----------
    source
        The path of the file, or an open file.
    quantity
        The function in the file, if it is not the one that the header states:
        ``"G(r)"``, ``"D(r)"``, Keen's G(r) in barn as RMCProfile writes it (``"Keen
        G(r)"``), ``"g(r)"``, ``"g(r)-1"``, ``"T(r)"`` or ``"R(r)"``, with the names of
        Keen, J. Appl. Cryst. 34 (2001) 172; or ``"F(Q)"``, which is Q (S(Q) - 1),
        ``"Keen F(Q)"`` in barn, ``"S(Q)"`` or ``"S(Q)-1"``, which are transformed from
        Qmin to Qmax.
    r_unit
        The unit of r, or of 1/Q, in the file, ``"Å"``, ``"nm"``, ``"pm"`` or
        ``"bohr"``, if it is not the one that the header states. It is Å where the
        header states none.
    column
        The column of the function, counted from 1, if no label shows it.
    composition
        The composition, such as ``"SrTiO3"``, for models that use it and for the scale
        of Keen's G(r). It replaces that of the header, which ``"unknown"`` ignores.
    number_density
        The atoms per Å³, for the scale of Keen's G(r), g(r) and g(r)-1. It is required
        for T(r) and R(r).
    conditions
        The known conditions, by the names of `Conditions`. They replace those of the
        header; rmin and rmax cut the data.

    Returns
    -------
    The measured PDF, with G(r) in Å⁻² and r in Å

    Raises
    ------
    ValueError
        If the file has no valid G(r), or an option is not allowed.
    FileNotFoundError, IsADirectoryError
        If there is no such file, or it is a folder.
    """
    options = ReadOptions.from_mapping(
        {
            "quantity": quantity,
            "r_unit": r_unit,
            "column": column,
            "composition": composition,
            "number_density": number_density,
            **conditions,
        }
    )
    name = _name_of(source)
    try:
        above, table = read_table(read_text(source))
        lines = header_lines(above)
        columns = read_columns(lines, name, table, column and int(column))
        first, *others = columns.y
        y = sum((table[:, k] for k in others), table[:, first])
        x = table[:, columns.x]
        return _measured(x, y, columns, read_header(lines), options)
    except ValueError as error:
        raise ValueError(f"{name}: {str(error).removesuffix('.')}.") from None


def _name_of(source: Source) -> str:
    """Return the name of a file that exists."""
    if not isinstance(source, str | Path):
        return str(getattr(source, "name", "the file"))
    if Path(source).is_dir():
        raise IsADirectoryError(f"{source}: it is a folder; give a file in it.")
    if not Path(source).exists():
        raise FileNotFoundError(f"{source}: there is no such file.")
    return str(source)


def _measured(
    x: Floats, y: Floats, columns: Columns, header: Header, options: ReadOptions
) -> MeasuredPDF:
    """Return the measured PDF of the columns of a file, checked and converted."""
    notes: list[str] = []
    unit = options.r_unit or columns.unit
    if unit is None:
        raise ValueError(
            f"the unit in the label {columns.x_label!r} is not known; give r_unit"
        )
    unit = unit or "Å"
    quantity = options.quantity or function_of(columns, header, unit, x, y, notes)
    x, y = to_angstroms(quantity, unit, x, y, columns.y_unit)
    given = {n: v for n, v in options.conditions().items() if n not in _LIMITS}
    stated = header.stated
    if unit != "Å":
        notes.append(f"{'Q' if quantity in OF_Q else 'r'} was converted from {unit}.")
        stated = _with_units(header, given, notes)
    notes += [
        f"The header's {name} {end}. Give {name} if you know it."
        for name, end in header.unclear.items()
        if name not in given
    ]
    note_contradictions(columns, header, options, unit, notes)
    known = _known(stated, given, notes)
    composition = _composition(options, header.composition, notes)
    if quantity in OF_Q:
        q, y = checks.q_range(x, y, known, notes)
        if options.quantity is None:
            checks.check_shape(quantity, y)
        x, y = sine_transform(quantity, q, y, composition, notes)
        known |= {"qmin": float(q[0]), "qmax": float(q[-1])}
        quantity = "G(r)"
    r, y = checks.cut(x, y, options.rmin, options.rmax)
    r, y = checks.finite_rows(r, y, notes)
    checks.check_r(r)
    step = checks.check_range(r)
    checks.check_size(quantity, y)
    # Without the first tenth, where normalisation errors are strongest.
    end = int(np.searchsorted(r, checks.RELEVANT_RMAX))
    relevant = slice(end // 10, end)
    if options.quantity is None:
        checks.check_shape(quantity, y[relevant])
    if options.r_unit is None:
        checks.check_slope(quantity, r[relevant], y[relevant])
    g = to_g(quantity, r, y, composition, options.number_density, notes)
    if quantity in ("T(r)", "R(r)"):
        checks.check_density(quantity, g[relevant])
    known |= {"rmin": float(r[0]), "rmax": float(r[-1])}
    qmax = known.get("qmax", REFERENCE.qmax)
    if math.pi / step < 0.98 * qmax:
        notes.append(
            f"Steps of {step:.2g} Å represent Q up to {math.pi / step:.3g} Å⁻¹, not up "
            f"to a Qmax of {qmax:g} Å⁻¹. Export G(r) in steps of 0.01 Å, or give a "
            "lower qmax."
        )
    usual = {name: v for name, v in header.usual.items() if name not in known}
    return MeasuredPDF(r, g, known, header.dialect, tuple(notes), composition, usual)


def _with_units(
    header: Header, given: Mapping[str, Any], notes: list[str]
) -> dict[str, float | str]:
    """Return the conditions of a header without those of an unknown unit."""
    for name in header.unitless:
        if name not in given:
            notes.append(
                f"The header's {name} of {header.stated[name]:g} {NO_UNIT}. Give "
                f"{name} if you know it."
            )
    return {k: v for k, v in header.stated.items() if k not in header.unitless}


def _composition(options: ReadOptions, stated: str, notes: list[str]) -> str | None:
    """Return the given composition, else that of the header if it is a formula."""
    if options.composition is not None:
        return None if options.without_composition else options.composition
    if not stated:
        return None
    try:
        parse_composition(stated)
    except ValueError:
        if not re.fullmatch(r"\W*(?:n/?a|none|null|nan|unknown)?\W*", stated, re.I):
            notes.append(
                f"The header's composition {stated} was not used, because it is not a "
                "formula of element symbols and numbers. Give composition if you know "
                "it."
            )
        return None
    notes.append(
        f"The composition {stated} is from the header. If it is wrong, give another "
        f"one, or '{UNKNOWN}'."
    )
    return stated


def _nearest(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return conditions with the nearest value that is allowed for each number."""
    nearest = dict(values)
    for name, value in values.items():
        quantity = QUANTITIES[name]
        if not quantity.choices:
            # Å⁻¹, for Qmax, the only one with an open upper bound.
            high = quantity.high - 0.01 * quantity.open_high
            nearest[name] = min(max(value, quantity.low), high)
    return nearest


def _known(
    stated: Mapping[str, Any], given: Mapping[str, Any], notes: list[str]
) -> dict[str, Any]:
    """Return the given conditions and those of a header that may be true with them.

    A value of the header is kept, with a note, if only a near one can be computed.
    """
    usable: dict[str, Any] = {}
    all_known = {**stated, **given}
    if _nearest(all_known) == all_known:
        with suppress(ValueError):
            Conditions.from_mapping(all_known)
            return all_known
    for name, value in stated.items():
        if name in given:
            continue
        near = _nearest({name: value})[name]
        try:
            # PDFgetX2 writes 100 where it used all data.
            if name == "qmax" and value > checks.MAX_Q:
                raise ValueError(f"no instrument reaches {checks.MAX_Q:g} Å⁻¹.")
            Conditions.from_mapping({**_nearest(usable), name: near})
        except ValueError as error:
            text = value if isinstance(value, str) else f"{value:g}"
            notes.append(
                f"The header's {name} of {text} was not used: {error} Give {name} "
                "if you know it."
            )
            continue
        usable[name] = value
        if near != value:
            notes.append(
                f"The header's {name} of {value:g} cannot be computed; the nearest "
                f"value, {near:g}, was used."
            )
    usable |= given
    try:
        Conditions.from_mapping(_nearest(usable))
    except ValueError as error:
        raise ValueError(
            f"{str(error).removesuffix('.')}; conditions that neither the options nor "
            "the header state are those of the reference"
        ) from None
    return usable
