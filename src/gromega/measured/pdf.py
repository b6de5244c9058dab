"""Measured PDFs: G(r) and its conditions from the file of any program."""

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from gromega.conditions import REFERENCE, Conditions
from gromega.crystals.composition import parse_composition
from gromega.measured import checks
from gromega.measured.header import Header, read_header
from gromega.measured.options import FUNCTIONS, UNKNOWN, ReadOptions
from gromega.measured.quantities import Floats, to_angstroms, to_g
from gromega.measured.table import Source, read_table, read_text


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
        by the names of `Conditions`. The other conditions are not known.
    dialect
        The program that wrote the file, ``"key = value"`` for the header of an unknown
        program, or ``"columns"`` without a header.
    notes
        The conversions and omissions of reading and what is uncertain, a sentence each.
    composition
        The composition, such as ``"SrTiO3"``, that the caller or the header states;
        None if it is not known.
    """

    r: Floats
    g: Floats
    stated: Mapping[str, Any]
    dialect: str
    notes: tuple[str, ...] = ()
    composition: str | None = None

    @property
    def assumed(self) -> tuple[str, ...]:
        """The names of the conditions that are not known."""
        return tuple(f.name for f in fields(Conditions) if f.name not in self.stated)

    def conditions(self) -> Conditions:
        """Return the conditions, those of the reference where they are not known.

        The range is that of the data, within the range of the network.
        """
        low = max(self.stated["rmin"], REFERENCE.rmin)
        high = min(self.stated["rmax"], REFERENCE.rmax)
        return Conditions.from_mapping({**self.stated, "rmin": low, "rmax": high})


def read_pdf(
    source: Source,
    *,
    quantity: str | None = None,
    r_unit: str | None = None,
    composition: str | None = None,
    number_density: float | None = None,
    **conditions: Any,
) -> MeasuredPDF:
    """Return the measured PDF of a file.

    The file is one of PDFgetX3, PDFgetN3, xPDFsuite, PDFgetX2, PDFgetN, PDFgui (also
    a fit), RMCProfile, NOMAD or Mantid, or has columns of numbers below any header.
    It may be compressed by gzip.

    Parameters
    ----------
    source
        The path of the file, or an open file.
    quantity
        The function in the file, if it is not the one that the header states:
        ``"G(r)"``, ``"D(r)"``, Keen's G(r) in barn as RMCProfile writes it (``"Keen
        G(r)"``), ``"g(r)"``, ``"T(r)"`` or ``"R(r)"``, with the names of Keen, J. Appl.
        Cryst. 34 (2001) 172.
    r_unit
        The unit of r in the file, ``"Å"``, ``"nm"`` or ``"pm"``, if it is not the one
        that the header states. It is Å where the header states none.
    composition
        The composition, such as ``"SrTiO3"``, for models that use it and for the scale
        of Keen's G(r). It replaces that of the header, which ``"unknown"`` ignores.
    number_density
        The atoms per Å³, for the scale of Keen's G(r) and g(r). It is required for T(r)
        and R(r).
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
            "composition": composition,
            "number_density": number_density,
            **conditions,
        }
    )
    name = _name_of(source)
    try:
        lines, table = read_table(read_text(source))
        header = read_header(lines, name, table.shape[1])
        first, *others = header.columns
        y = sum((table[:, k] for k in others), table[:, first])
        return _measured(table[:, 0], y, header, options)
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
    r: Floats, y: Floats, header: Header, options: ReadOptions
) -> MeasuredPDF:
    """Return the measured PDF of the columns of a file, checked and converted."""
    notes: list[str] = []
    quantity = options.quantity or header.quantity or "G(r)"
    if quantity not in FUNCTIONS:
        raise ValueError(
            f"it holds {quantity}, not G(r); transform it to G(r) first, with "
            "PDFgetX3 for example"
        )
    conditions = options.conditions()
    unit = options.r_unit or header.r_unit
    stated = header.stated
    if unit != "Å":
        r, y = to_angstroms(quantity, unit, r, y)
        notes.append(f"r was converted from {unit}.")
        stated = _with_units(header, conditions, notes)
    r, y = checks.cut(r, y, options.rmin, options.rmax)
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
    composition = _composition(options, header.composition, notes)
    g = to_g(quantity, r, y, composition, options.number_density, notes)
    known = _usable(stated, conditions, notes)
    known |= {"rmin": float(r[0]), "rmax": float(r[-1])}
    qmax = known.get("qmax", REFERENCE.qmax)
    if math.pi / step < 0.98 * qmax:
        notes.append(
            f"Steps of {step:.2g} Å represent Q up to {math.pi / step:.3g} Å⁻¹, not up "
            f"to a Qmax of {qmax:g} Å⁻¹. Export G(r) in steps of 0.01 Å, or give a "
            "lower qmax."
        )
    return MeasuredPDF(r, g, known, header.dialect, tuple(notes), composition)


def _with_units(
    header: Header, given: Mapping[str, Any], notes: list[str]
) -> dict[str, float | str]:
    """Return the conditions of a header without those of an unknown unit."""
    for name in header.unitless:
        if name not in given:
            notes.append(
                f"The header's {name} of {header.stated[name]:g} was not used, because "
                f"it does not state whether it is in Å⁻¹. Give {name} if you know it."
            )
    return {k: v for k, v in header.stated.items() if k not in header.unitless}


def _composition(options: ReadOptions, stated: str, notes: list[str]) -> str | None:
    """Return the given composition, else that of the header if it is a formula."""
    if options.composition is not None:
        return None if options.without_composition else options.composition
    try:
        # Words or a temperature behind a formula are not part of it.
        if not all(part[0].isupper() or part[0] == "(" for part in stated.split()):
            raise ValueError("more than a formula")
        parse_composition(stated)
    except ValueError:
        # Words such as N/A need no note.
        if re.search(r"[\d(]", stated):
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


def _usable(
    stated: Mapping[str, Any], given: Mapping[str, Any], notes: list[str]
) -> dict[str, Any]:
    """Return the given conditions and those of a header that are allowed with them."""
    with suppress(ValueError):
        Conditions.from_mapping({**stated, **given})
        return {**stated, **given}
    usable: dict[str, Any] = {}
    for name, value in stated.items():
        if name in given:
            continue
        try:
            Conditions.from_mapping({**usable, name: value})
            usable[name] = value
        except ValueError as error:
            text = value if isinstance(value, str) else f"{value:g}"
            notes.append(
                f"The header's {name} of {text} was not used: {error} Give {name} "
                "if you know it."
            )
    usable |= given
    try:
        Conditions.from_mapping(usable)
    except ValueError as error:
        raise ValueError(
            f"{str(error).removesuffix('.')}; conditions that neither the options nor "
            "the header state are those of the reference"
        ) from None
    return usable
