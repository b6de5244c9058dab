"""Checks of a function of r: its range, steps, size, shape and slope."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from gromega.conditions import GRID_STEP, REFERENCE
from gromega.measured.quantities import Floats
from gromega.measured.table import MIN_ROWS
from gromega.pdf.network_grid import INPUT_R

MIN_RANGE = 3.5  # Å, the least part of the network's range that must have data
MAX_STEP = 0.5  # Å. A larger step is a gap: a peak is narrower.
# Times the usual step. A larger step is a gap too: a spline would ring there.
MAX_UNEVEN = 3
MAX_G = 1e30  # Å⁻². Single precision holds this with room to spare.
# Å⁻¹, the r.m.s. slope of G(r) over its r.m.s. It is 3 to 16 in 59 measured PDFs, at
# most the highest Q that conditions allow, and ten times as much if r is in nm.
MAX_SLOPE = 40.0
# The mean of G(r) over its r.m.s. It is at most 0.1 in 59 measured PDFs, 1 in R(r).
MAX_MEAN = 0.5
MAX_Q = 60.0  # Å⁻¹, more than any diffractometer reaches
# Å. G(r) is odd in r and Keen's G(r) is even, which shows below these r.
LOW_R = (0.06, 0.08, 0.1)
# The polynomials of three terms must fit this well, relative to the r.m.s., and this
# many times better than those of the other parity. Of 59 measured PDFs, 3,090 simulated
# ones (Qmax to 39 Å⁻¹, crystallites from 10 Å), and the same over r, none is misjudged.
MAX_MISFIT, MIN_BETTER = 0.05, 3.0
KNOT_STEP = GRID_STEP * 2 / 3
"""Å, the step of the knots on which finer data are smoothed: π/60."""
RELEVANT_RMAX = INPUT_R[-1] + 2.0
"""Å. Data up to here affect the spline within the network's range."""


def cut(
    r: Floats, y: Floats, low: float | None, high: float | None
) -> tuple[Floats, Floats]:
    """Return the part of r and a function of r between two limits in Å."""
    outside = r < (-np.inf if low is None else low)
    outside |= r > (np.inf if high is None else high)
    if outside.all():
        raise ValueError(
            f"r goes from {r[0]:g} to {r[-1]:g} Å, and no r is left between rmin and "
            "rmax; correct rmin or rmax"
        )
    return r[~outside], y[~outside]


def finite_rows(r: Floats, y: Floats, notes: list[str]) -> tuple[Floats, Floats]:
    """Return r and a function of r without the rows at the ends that are not numbers.

    Programs write nan at r = 0 and beyond the range of their transform.
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
            f"G(r) is not a number after r = {r[finite[holes[0]]]:g}; interpolate it "
            "or cut the file there"
        )
    notes.append(f"{r.size - finite.size} rows without numbers were left out.")
    return r[finite], y[finite]


def check_r(r: Floats, name: str = "r", unit: str = "Å") -> None:
    """Check that r in Å, or Q in Å⁻¹, is not negative and increases."""
    if r.min() < 0:
        raise ValueError(
            f"{name} must not be negative, got {r.min():g} {unit}; set {name}min to 0 "
            "or above"
        )
    steps = np.diff(r)
    if steps.min() <= 0:
        i = int(np.argmax(steps <= 0))
        raise ValueError(
            f"{name} must increase, got {r[i]:g} and then {r[i + 1]:g} {unit}; sort "
            "the rows"
        )


def q_range(
    q: Floats, y: Floats, known: Mapping[str, Any], notes: list[str]
) -> tuple[Floats, Floats]:
    """Return Q in Å⁻¹ and a function of it within the Qmin and Qmax that are known.

    Raise ValueError if too little or no F(Q) is there, or Q cannot be in Å⁻¹.
    """
    q, y = finite_rows(q, y, notes)
    check_r(q, "Q", "Å⁻¹")
    used = (q >= known.get("qmin", 0.0)) & (q <= known.get("qmax", np.inf))
    if used.sum() < MIN_ROWS:
        raise ValueError(
            f"Q goes from {q[0]:g} to {q[-1]:g} Å⁻¹, and fewer than {MIN_ROWS} rows "
            "are between qmin and qmax; correct qmin or qmax"
        )
    q, y = q[used], y[used]
    if q[-1] > MAX_Q:
        raise ValueError(
            f"Q goes to {q[-1]:g} Å⁻¹; give qmax, or if Q is in nm⁻¹, r_unit 'nm'"
        )
    check_size("its function of Q", y)
    return q, y


def check_range(r: Floats) -> float:
    """Return the largest step of r, in Å, up to `RELEVANT_RMAX`.

    Raise ValueError if r has too little of the network's range, or a gap.
    """
    low, high = REFERENCE.rmin, REFERENCE.rmax
    if min(r[-1], high) - max(r[0], low) < MIN_RANGE:
        raise ValueError(
            f"r goes from {r[0]:g} to {r[-1]:g} Å, but {MIN_RANGE:g} Å or more are "
            f"needed between {low:g} and {high:g} Å; correct rmin or rmax, or if r is "
            "in nm or pm, give r_unit"
        )
    steps = np.diff(r[r <= RELEVANT_RMAX])
    if not steps.size:
        raise ValueError(
            f"it has one point up to {RELEVANT_RMAX:g} Å; if r is in pm, give r_unit"
        )
    largest = float(steps.max())
    usual = MAX_UNEVEN * np.median(steps) if largest > KNOT_STEP else math.inf
    if largest > min(MAX_STEP, usual):
        i = int(np.argmax(steps))
        raise ValueError(
            f"there is no G(r) between {r[i]:g} and {r[i + 1]:g} Å; give it in even "
            f"steps of {MAX_STEP:g} Å at most, or if r is in pm, give r_unit"
        )
    return largest


def check_size(quantity: str, y: Floats) -> None:
    """Check that a function is not constant and not too large."""
    least, most = float(y.min()), float(y.max())
    if least == most:
        # Adding 0 turns -0 into 0.
        raise ValueError(
            f"{quantity} is {least + 0.0:g} everywhere; give it in column 2"
        )
    if max(-least, most) > MAX_G:
        raise ValueError(
            f"{quantity} goes from {least:g} to {most:g}; give it in column 2"
        )


def is_keen(r: Floats, y: Floats) -> bool | None:
    """Return whether a function is Keen's G(r) and not G(r); None if this is unclear.

    Keen's G(r) is that of RMCProfile, or g(r) - 1: G(r) over r. G(r) is a sine
    transform and so odd in r; G(r) over r is even. This shows if the first points are
    close to 0 and to each other.
    """
    for top in LOW_R:
        low = (r > 0) & (r <= top + 1e-9)
        if low.sum() >= (5 if top == LOW_R[-1] else 6):
            break
    else:
        return None
    x, y = r[low] / top, y[low]
    misfits = []
    for basis in (x ** np.array([[1], [3], [5]]), x ** np.array([[0], [2], [4]])):
        factors = np.linalg.lstsq(basis.T, y)[0]
        misfits.append(float(np.linalg.norm(factors @ basis - y)))
    odd, even = misfits
    rms = float(np.linalg.norm(y))
    better, worse = sorted(misfits)
    # Six digits of the file, or zeros, show nothing.
    if better > MAX_MISFIT * rms or worse <= MIN_BETTER * better + 1e-4 * rms:
        return None
    return odd > even


def tends_to_one(y: Floats) -> bool:
    """Return whether the last two quarters of g(r) or S(Q) are about 1."""
    quarters = np.array_split(y, 4)[2:]
    return all(abs(quarter.mean() - 1) < 0.1 for quarter in quarters)


def grows(r: Floats, y: Floats) -> bool:
    """Return whether a function grows with the square of r, as R(r) does."""
    third, last = (part.mean() for part in np.array_split(y, 4)[2:])
    r_third, r_last = (np.mean(part**2) for part in np.array_split(r, 4)[2:])
    growth = (last / third) / (r_last / r_third) if third > 0 else 0.0
    return bool(abs(growth - 1) < 0.15 and r_last > 1.25 * r_third)


def oscillates(y: Floats) -> bool:
    """Return whether a function oscillates about 0."""
    return bool(y.min() < 0 and abs(y.mean()) <= MAX_MEAN * y.std())


def check_shape(quantity: str, y: Floats) -> None:
    """Check that a function oscillates about 0, or about 1 if it is g(r) or S(Q)."""
    if quantity in ("g(r)", "S(Q)") and not tends_to_one(y):
        raise ValueError(
            f"it does not tend to 1 as {quantity} does: its mean is {y.mean():.3g}; "
            "give quantity"
        )
    if quantity not in ("g(r)", "S(Q)", "T(r)", "R(r)") and not oscillates(y):
        raise ValueError(
            f"it does not oscillate about 0 as {quantity} does: its mean is "
            f"{y.mean():.3g}; if it is g(r), T(r), R(r) or S(Q), give quantity"
        )


def check_density(quantity: str, g: Floats) -> None:
    """Check that the G(r) of T(r) or R(r) and a number density oscillates about 0."""
    if not oscillates(g):
        raise ValueError(
            f"{quantity} and number_density give a G(r) whose mean is {g.mean():.3g}, "
            "not 0; correct number_density"
        )


def check_slope(quantity: str, r: Floats, y: Floats) -> None:
    """Check that a function varies no faster than the highest Qmax allows."""
    if quantity in ("g(r)", "T(r)", "R(r)"):
        y = y - y.mean()
    slope = math.sqrt(np.mean((np.diff(y) / np.diff(r)) ** 2) / np.mean(y**2))
    if slope > MAX_SLOPE:
        raise ValueError(
            f"{quantity} varies as if Qmax were {slope:.0f} Å⁻¹; if r is in nm, give "
            "r_unit 'nm', and if it is noise, give r_unit 'Å' and cut the noise off"
        )
