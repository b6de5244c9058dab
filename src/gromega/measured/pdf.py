"""Measured PDFs: G(r) and its conditions from the files that programs write."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import periodictable
from numpy.typing import NDArray
from scipy.interpolate import BSpline, make_interp_spline, make_lsq_spline

from gromega.conditions import GRID_STEP, MAX_RMAX, REFERENCE, Conditions
from gromega.crystals.composition import parse_composition
from gromega.measured.header import MIN_ROWS, Source, read_header, read_table, read_text
from gromega.pdf.network_grid import INPUT_R

Floats = NDArray[np.float64]

QUANTITIES = ("G(r)", "D(r)", "Keen G(r)", "g(r)", "T(r)", "R(r)")
"""The functions of r that G(r) can be had from; see `read_pdf`."""
R_UNITS = {"Å": 1.0, "nm": 10.0, "pm": 0.01}
"""The units that r may have, in Å."""
UNKNOWN = "unknown"
"""What is given in place of a composition that is not known."""
# With r in nm, G(r), D(r) and T(r) are in nm⁻², R(r) is in nm⁻¹.
_POWERS = {"G(r)": 2, "D(r)": 2, "T(r)": 2, "R(r)": 1}
MIN_RANGE = 3.5
"""Å, the least that must be there of the range that the network sees."""
MAX_STEP = 0.5
"""Å, more than this between two r is a gap: a peak is narrower."""
MAX_UNEVEN = 3
"""Times the usual step, more than this is a gap too: a spline would ring there."""
MAX_G = 1e30
"""Å⁻², what single precision holds with room to spare."""
MAX_SLOPE = 40.0
"""Å⁻¹, the r.m.s. slope of G(r) over its r.m.s.: 3 to 16 in 59 measured ones, at most
the highest Q that conditions allow; with r in nm taken for Å, ten times as much."""
MAX_DENSITY = 0.5
"""Atoms per Å³: diamond has 0.18."""
MAX_MEAN = 0.5
"""The mean of G(r) over its r.m.s.: 0.1 at most in 59 measured ones, 1 in R(r)."""
KNOT_STEP = GRID_STEP * 2 / 3
"""Å, the step of the knots on which finer data are smoothed: π/60."""
# Limits within which all others are.
_WIDE = {"rmin": 0.0, "rmax": MAX_RMAX, "qmin": 0.0, "qmax": math.pi / GRID_STEP - 1e-9}
_SEEN_TO = INPUT_R[-1] + 2.0
"""Å; data up to here still bear on the spline within the network's range."""


@dataclass(frozen=True, eq=False)
class MeasuredPDF:
    """A measured G(r) with what its file says about it.

    Parameters
    ----------
    r
        The distances, (n,), in Å, increasing.
    g
        G(r), (n,), in Å⁻², on the scale of the file.
    stated
        The conditions that the header states or the caller gave, and the range of
        the data, by the names of `Conditions`. The others are not known.
    dialect
        The program that wrote the file, ``"key = value"`` for a header of another
        one, or ``"columns"`` where there is none.
    notes
        What was converted, left out, or is doubtful, a sentence each.
    composition
        The composition, as in ``"SrTiO3"``, that the caller gave or the header states;
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
        """The conditions that are not known: `conditions` has the reference's."""
        return tuple(f.name for f in fields(Conditions) if f.name not in self.stated)

    def conditions(self) -> Conditions:
        """Return the conditions of the file, the reference where it is silent.

        The range is that of the data, but within the range that the network sees.
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
        The function in the file, if it is not what the header says: ``"G(r)"``,
        ``"D(r)"``, Keen's G(r) in barn as RMCProfile has it (``"Keen G(r)"``),
        ``"g(r)"``, ``"T(r)"`` or ``"R(r)"``, with the names of Keen, J. Appl.
        Cryst. 34 (2001) 172.
    r_unit
        The unit of r in the file, ``"Å"``, ``"nm"`` or ``"pm"``, if it is not what the
        header says, or Å where that is silent.
    composition
        The composition, as in ``"SrTiO3"``, if the header does not say, for models that
        make use of it, and for the scale of Keen's G(r); ``"unknown"`` leaves out what
        a header says.
    number_density
        The atoms per Å³, for the scale of Keen's G(r) and g(r), and needed for
        T(r) and R(r).
    conditions
        The conditions that are known better than by the header, by the names of
        `Conditions`; rmin and rmax cut the data.

    Raises
    ------
    ValueError
        If the file has no G(r) that could be right, or an option is not allowed.
    FileNotFoundError, IsADirectoryError
        If there is no such file, or it is a folder.
    """
    check_options(quantity, r_unit, composition, number_density, **conditions)
    if not isinstance(source, str | Path):
        name = str(getattr(source, "name", "the file"))
    elif Path(source).is_dir():
        raise IsADirectoryError(f"{source}: it is a folder; give a file in it.")
    elif Path(source).exists():
        name = str(source)
    else:
        raise FileNotFoundError(f"{source}: there is no such file.")
    notes: list[str] = []
    try:
        lines, table = read_table(read_text(source))
        header = read_header(lines, name, table.shape[1])
        kind = quantity or header.quantity or "G(r)"
        if kind not in QUANTITIES:
            raise ValueError(
                f"it holds {kind}, not G(r); transform it to G(r) first, by PDFgetX3 "
                "for instance"
            )
        r = table[:, 0]
        y = sum((table[:, k] for k in header.columns[1:]), table[:, header.columns[0]])
        unit = r_unit or header.r_unit
        if unit != "Å":
            size = R_UNITS[unit]
            r, y = r * size, y / size ** _POWERS.get(kind, 0)
            notes.append(f"r was converted from {unit}.")
            for key in header.unitless:
                value = header.stated.pop(key)
                if key not in conditions:
                    notes.append(
                        f"The header's {key} of {value:g} was not used: it does not "
                        f"say whether it is in Å⁻¹. Give {key} if you know it."
                    )
        r, y = _cut(r, y, conditions.get("rmin"), conditions.get("rmax"))
        r, y = _finite_rows(r, y, notes)
        _check_r(r)
        step = _check_range(r)
        least, most = float(y.min()), float(y.max())
        if least == most:
            # Not -0.
            least += 0.0
            raise ValueError(f"{kind} is {least:g} everywhere; give it in column 2")
        if max(-least, most) > MAX_G:
            raise ValueError(
                f"{kind} goes from {least:g} to {most:g}; give it in column 2"
            )
        # As far as the network sees it, but for the first tenth, where normalisation
        # errors are strongest.
        inside = np.searchsorted(r, _SEEN_TO)
        seen = slice(inside // 10, inside)
        if quantity is None:
            _check_shape(kind, y[seen])
        if r_unit is None:
            _check_slope(kind, r[seen], y[seen])
        composition = _composition(composition, header.composition, notes)
        g = _to_g(kind, r, y, composition, number_density, notes)
        stated = _usable(header.stated, conditions, notes)
    except ValueError as error:
        raise ValueError(f"{name}: {str(error).removesuffix('.')}.") from None
    stated |= {"rmin": float(r[0]), "rmax": float(r[-1])}
    qmax = stated.get("qmax", REFERENCE.qmax)
    if math.pi / step < 0.98 * qmax:
        notes.append(
            f"Steps of {step:.2g} Å hold Q up to {math.pi / step:.3g} Å⁻¹, not to a "
            f"Qmax of {qmax:g} Å⁻¹; export it in steps of 0.01 Å, or give a lower qmax."
        )
    return MeasuredPDF(r, g, stated, header.dialect, tuple(notes), composition)


def check_options(
    quantity: str | None = None,
    r_unit: str | None = None,
    composition: str | None = None,
    number_density: float | None = None,
    **conditions: Any,
) -> None:
    """Check options of `read_pdf`.

    Raises
    ------
    ValueError
        If an option is not allowed.
    """
    if conditions:
        # A limit alone is looked at beside the file's other one when that is read.
        Conditions.from_mapping({**_WIDE, **conditions})
    for option, value, allowed in (
        ("quantity", quantity, QUANTITIES),
        ("r_unit", r_unit, R_UNITS),
    ):
        if value is not None and value not in allowed:
            raise ValueError(
                f"{option} must be one of {', '.join(allowed)}, got {value!r}."
            )
    if number_density is not None and not 0 < number_density <= MAX_DENSITY:
        raise ValueError(
            f"number_density must be above 0 and at most {MAX_DENSITY} atoms per Å³, "
            f"got {number_density:g}."
        )
    if composition is not None and composition.lower() != UNKNOWN:
        parse_composition(composition)


def _composition(given: str | None, stated: str, notes: list[str]) -> str | None:
    """Return the composition, that of the header where it is one and none is given."""
    if given is not None:
        return None if given.lower() == UNKNOWN else given
    try:
        # Words, or the temperature, behind a formula are not read as one with it.
        if not all(part[0].isupper() or part[0] == "(" for part in stated.split()):
            raise ValueError("more than a formula")
        parse_composition(stated)
    except ValueError:
        # Not a word such as N/A.
        if re.search(r"[\d(]", stated):
            notes.append(
                f"The header's composition {stated} was not used: it is no formula in "
                "element symbols and numbers. Give composition if you know it."
            )
        return None
    notes.append(
        f"The composition {stated} is the header's; if it is wrong, give another, "
        f"or '{UNKNOWN}'."
    )
    return stated


def _cut(
    r: Floats, y: Floats, low: float | None, high: float | None
) -> tuple[Floats, Floats]:
    """Return the part of a function where it is asked for."""
    outside = np.zeros(r.size, bool)
    if low is not None:
        outside |= r < low
    if high is not None:
        outside |= r > high
    if outside.all():
        raise ValueError(
            f"r goes from {r[0]:g} to {r[-1]:g} Å, of which rmin and rmax leave nothing"
        )
    return r[~outside], y[~outside]


def _finite_rows(r: Floats, y: Floats, notes: list[str]) -> tuple[Floats, Floats]:
    """Return r and the function without rows at the ends that have none.

    Programs write nan at r = 0, and where their transform did not reach.
    """
    usable = np.isfinite(r + y)
    if usable.all():
        return r, y
    finite = np.flatnonzero(usable)
    if finite.size < MIN_ROWS:
        raise ValueError(
            f"{finite.size} of its {r.size} rows have numbers for both r and G(r); "
            f"{MIN_ROWS} are needed"
        )
    holes = np.flatnonzero(np.diff(finite) > 1)
    if holes.size:
        raise ValueError(
            f"G(r) is not a number after r = {r[finite[holes[0]]]:g}; interpolate it, "
            "or cut the file there"
        )
    notes.append(f"{r.size - finite.size} rows without a number were left out.")
    return r[finite], y[finite]


def _check_r(r: Floats) -> None:
    """Refuse an r, in Å, that does not increase from 0 or more."""
    if r.min() < 0:
        raise ValueError(f"r must not be negative, but there is {r.min():g} Å")
    steps = np.diff(r)
    if steps.min() <= 0:
        i = int(np.argmax(steps <= 0))
        raise ValueError(
            f"r must increase, but goes from {r[i]:g} to {r[i + 1]:g} Å; sort the rows"
        )


def _check_range(r: Floats) -> float:
    """Return the largest step of an r, in Å, as far as the network sees it.

    Refuse one that leaves too much out.
    """
    first, last = r[0], r[-1]
    low, high = REFERENCE.rmin, REFERENCE.rmax
    if min(last, high) - max(first, low) < MIN_RANGE:
        raise ValueError(
            f"r goes from {first:g} to {last:g} Å, but {MIN_RANGE:g} Å or more are "
            f"needed between {low:g} and {high:g} Å; mend rmin or rmax, or if r is in "
            "nm or pm, say so by r_unit"
        )
    steps = np.diff(r[r <= _SEEN_TO])
    largest = float(steps.max())
    even = max(MAX_UNEVEN * float(np.median(steps)), KNOT_STEP)
    if largest > min(MAX_STEP, even):
        i = int(np.argmax(steps))
        raise ValueError(
            f"there is no G(r) between {r[i]:g} and {r[i + 1]:g} Å; give it in even "
            f"steps of {MAX_STEP:g} Å at most, or if r is in pm, say so by r_unit"
        )
    return largest


def _check_shape(quantity: str, y: Floats) -> None:
    """Refuse what a header calls G(r), or nothing, but does not look like one."""
    centred = y.min() < 0 and abs(y.mean()) <= MAX_MEAN * y.std()
    if quantity in ("G(r)", "D(r)", "Keen G(r)") and not centred:
        raise ValueError(
            f"it does not oscillate about 0 as {quantity} does, its mean is "
            f"{y.mean():.3g}; if it is g(r), T(r) or R(r), give quantity, and if it is "
            "a function of Q, transform it first"
        )


def _check_slope(quantity: str, r: Floats, y: Floats) -> None:
    """Refuse what varies faster than F(Q) up to any Qmax can make it."""
    if quantity in ("g(r)", "T(r)", "R(r)"):
        y = y - y.mean()
    slope = math.sqrt(np.mean((np.diff(y) / np.diff(r)) ** 2) / np.mean(y**2))
    if slope > MAX_SLOPE:
        raise ValueError(
            f"{quantity} varies as if Qmax were above {slope:.0f} Å⁻¹; if r is in nm, "
            "say so by r_unit, and if it is in Å, say that, and cut off the noise"
        )


def _to_g(
    quantity: str,
    r: Floats,
    y: Floats,
    composition: str | None,
    density: float | None,
    notes: list[str],
) -> Floats:
    """Return G(r) in Å⁻² from another function of r.

    With the mean scattering length <b> in 10⁻¹² cm and the number density ρ0 in Å⁻³
    (Keen, J. Appl. Cryst. 34 (2001) 172),

        G(r) = 4π ρ0 r G_Keen(r) / <b>²   = 4π ρ0 r (g(r) - 1)
             = T(r) - 4π ρ0 r             = R(r)/r - 4π ρ0 r.
    """
    if quantity == "G(r)":
        return y
    if quantity == "D(r)":
        notes.append("D(r) was taken as G(r), which it is but for the scale.")
        return y
    if quantity in ("T(r)", "R(r)"):
        if density is None:
            raise ValueError(
                f"it holds {quantity}; give number_density to convert it to G(r)"
            )
        notes.append(f"{quantity} was converted to G(r).")
        if quantity == "R(r)":
            y = np.divide(y, r, out=np.zeros_like(y), where=r > 0)
        return y - 4 * math.pi * density * r
    length = None
    if quantity == "g(r)":
        y, length = y - 1, 1.0
    elif composition is not None and density is not None:
        length = _mean_length(composition)
    if density is not None and length is not None:
        notes.append(f"{quantity} was converted to G(r).")
        return 4 * math.pi * density * r * y / length**2
    values = {"number_density": density, "composition": length or composition}
    missing = " and ".join(name for name, value in values.items() if value is None)
    notes.append(
        f"{quantity} was converted to G(r) but for its scale, which needs {missing}; "
        "the space group does not depend on it."
    )
    return r * y


def _mean_length(composition: str) -> float:
    """Return the mean neutron scattering length of a composition in 10⁻¹² cm."""
    amounts = parse_composition(composition)
    # D and T are isotopes here, not hydrogen.
    atoms = [periodictable.elements.symbol(symbol) for symbol in amounts]
    counts = np.array(list(amounts.values()))
    lengths = np.array([atom.neutron.b_c for atom in atoms], float)
    mean = float(counts @ lengths / counts.sum())
    if not math.isfinite(mean) or mean == 0:
        raise ValueError(
            f"composition {composition!r}: its mean neutron scattering length is not "
            "known or zero, so G(r) cannot be scaled by it; leave out number_density"
        )
    return mean / 10


def _usable(
    stated: Mapping[str, Any], given: Mapping[str, Any], notes: list[str]
) -> dict[str, Any]:
    """Return the given conditions and those of a header that could be right.

    Refuse given ones that do not go with these.
    """
    try:
        Conditions.from_mapping({**stated, **given})
    except ValueError:
        pass
    else:
        return {**stated, **given}
    usable: dict[str, Any] = {}
    for name, value in stated.items():
        if name in given:
            continue
        try:
            Conditions.from_mapping({**usable, name: value})
        except ValueError as error:
            text = value if isinstance(value, str) else f"{value:g}"
            notes.append(
                f"The header's {name} of {text} was not used: {error} Give {name} "
                "if you know it."
            )
        else:
            usable[name] = value
    usable |= given
    try:
        Conditions.from_mapping(usable)
    except ValueError as error:
        raise ValueError(
            f"{str(error).removesuffix('.')}; what neither the options nor the header "
            "state is taken from the reference"
        ) from None
    return usable


def to_input(pdf: MeasuredPDF) -> NDArray[np.float32]:
    """Return G on `INPUT_R`, (209,), in Å⁻², zero where the data have no r.

    Finer data than `KNOT_STEP` are fitted by a quintic spline, which keeps Q up to
    40 Å⁻¹, the most that conditions allow, within a few per cent (30 Å⁻¹: 0.1 %) and
    leaves out the noise above. Others are interpolated.
    """
    return to_inputs([pdf])[0]


def to_inputs(pdfs: Sequence[MeasuredPDF]) -> NDArray[np.float32]:
    """Return G on `INPUT_R`, (n, 209), of many PDFs, each as `to_input` does.

    Those of one measurement are mostly on the same r, where one fit does for all.
    """
    values = np.zeros((len(pdfs), INPUT_R.size), np.float32)
    alike: dict[bytes, list[int]] = {}
    for row, pdf in enumerate(pdfs):
        alike.setdefault(pdf.r.tobytes(), []).append(row)
    for rows in alike.values():
        r = pdfs[rows[0]].r
        inside = (r[0] <= INPUT_R) & (r[-1] >= INPUT_R)
        near = r <= _SEEN_TO
        g = np.stack([pdfs[row].g[near] for row in rows], axis=1)
        values[np.ix_(rows, inside)] = _spline(r[near], g)(INPUT_R[inside]).T
    return values


def _spline(r: Floats, g: Floats) -> BSpline:
    """Return the splines of PDFs on the same r, (n, n_pdfs)."""
    intervals = math.floor((r[-1] - r[0]) / KNOT_STEP)
    steps = np.diff(r)
    even = steps.max() <= MAX_UNEVEN * steps.min()
    if r.size < 2 * intervals and even:
        return make_interp_spline(r, g, k=5)
    knots = _knots(r, np.linspace(r[0], r[-1], intervals + 1))
    # Two points or more between any two knots: the normal equations are well
    # conditioned, and a tenth of the work.
    return make_lsq_spline(r, g, np.pad(knots, 5, mode="edge"), k=5, method="norm-eq")


def _knots(r: Floats, even: Floats) -> Floats:
    """Return those of even knots between any two of which there are two points."""
    below = np.searchsorted(r, even)
    below[-1] = r.size
    if np.diff(below).min() >= 2:
        return even
    kept = [0]
    for i in range(1, even.size):
        if below[i] - below[kept[-1]] >= 2:
            kept.append(i)
    kept[-1] = even.size - 1
    return even[kept]
