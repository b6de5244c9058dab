"""Measured PDFs on the r grid of the network."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gromega.measured.checks import KNOT_STEP, MAX_UNEVEN, RELEVANT_RMAX
from gromega.measured.pdf import MeasuredPDF
from gromega.measured.quantities import Floats
from gromega.pdf.network_grid import INPUT_R


def to_input(pdf: MeasuredPDF) -> NDArray[np.float32]:
    """Return G on `INPUT_R`, (209,), in Å⁻², zero outside the range of the data.

    Data finer than `KNOT_STEP` are fitted by a quintic spline. It reproduces waves of
    30 Å⁻¹ to 0.1 % and of 40 Å⁻¹, the highest Q that conditions allow, to a few per
    cent, and smooths the noise above. Coarser data are interpolated.
    """
    return np.asarray(to_inputs([pdf])[0])


def to_inputs(pdfs: Sequence[MeasuredPDF]) -> NDArray[np.float32]:
    """Return G on `INPUT_R`, (n, 209) in Å⁻², of many PDFs; see `to_input`.

    PDFs on the same r, as those of one measurement often are, share one fit.
    """
    values = np.zeros((len(pdfs), INPUT_R.size), np.float32)
    same_r: dict[bytes, list[int]] = {}
    for row, pdf in enumerate(pdfs):
        same_r.setdefault(pdf.r.tobytes(), []).append(row)
    for rows in same_r.values():
        r = pdfs[rows[0]].r
        inside = (r[0] <= INPUT_R) & (r[-1] >= INPUT_R)
        near = r <= RELEVANT_RMAX
        g = np.stack([pdfs[row].g[near] for row in rows], axis=1)
        values[np.ix_(rows, inside)] = _spline(r[near], g)(INPUT_R[inside]).T
    return values


def _spline(r: Floats, g: Floats) -> Any:
    """Return the splines of PDFs on the same r, (n, n_pdfs)."""
    # They take half a second to import: stages that only load a model do without.
    from scipy.interpolate import make_interp_spline, make_lsq_spline

    intervals = math.floor((r[-1] - r[0]) / KNOT_STEP)
    steps = np.diff(r)
    even = steps.max() <= MAX_UNEVEN * steps.min()
    if r.size < 2 * intervals and even:
        return make_interp_spline(r, g, k=5)
    knots = _knots(r, np.linspace(r[0], r[-1], intervals + 1))
    # There are two points or more between any two knots, so the normal equations are
    # well conditioned, and they take a tenth of the time.
    padded = np.pad(knots, 5, mode="edge")
    return make_lsq_spline(r, g, padded, k=5, method="norm-eq")


def _knots(r: Floats, even: Floats) -> Floats:
    """Return as many of the even knots as leave two points between any two."""
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
