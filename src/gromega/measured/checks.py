"""Checks of a function of r: its range, steps, size, shape and slope."""

import math

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


def check_r(r: Floats) -> None:
    """Check that r, in Å, is not negative and increases."""
    if r.min() < 0:
        raise ValueError(
            f"r must not be negative, got {r.min():g} Å; set rmin to 0 or above"
        )
    steps = np.diff(r)
    if steps.min() <= 0:
        i = int(np.argmax(steps <= 0))
        raise ValueError(
            f"r must increase, got {r[i]:g} and then {r[i + 1]:g} Å; sort the rows"
        )


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
    largest = float(steps.max())
    even = max(MAX_UNEVEN * float(np.median(steps)), KNOT_STEP)
    if largest > min(MAX_STEP, even):
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


def check_shape(quantity: str, y: Floats) -> None:
    """Check that G(r), or a function like it, oscillates about 0."""
    centred = y.min() < 0 and abs(y.mean()) <= MAX_MEAN * y.std()
    if quantity in ("G(r)", "D(r)", "Keen G(r)") and not centred:
        raise ValueError(
            f"it does not oscillate about 0 as {quantity} does: its mean is "
            f"{y.mean():.3g}; if it is g(r), T(r) or R(r), give quantity, and if it is "
            "a function of Q, transform it first"
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
