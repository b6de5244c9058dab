"""The inner loops of the pair spectrum, over all interatomic distances."""

import math

import numba
import numpy as np

from gromega.pdf.pair_symmetry import SAME_SITE, Floats, distinct_differences

_BUFFER = 2048


@numba.njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _spread(
    squares: Floats, weight: float, shift: float, dmax: float, width: float, out: Floats
) -> None:
    """Add weight / d at d + shift to the B-splines of `out`, d being √squares."""
    count = squares.size
    knots = np.empty(count, np.int32)
    parts = np.empty(count)
    values = np.empty(count)
    for p in range(count):
        d = math.sqrt(squares[p])
        centre = d + shift
        # Atoms that share a disordered site are not a pair.
        inside = centre > 0.0 and centre <= dmax and d > SAME_SITE
        scaled = centre / width if inside else 0.0
        knots[p] = np.int32(scaled)
        parts[p] = scaled - knots[p]
        values[p] = weight / (6.0 * d) if inside else 0.0
    for p in range(count):
        k = np.int64(knots[p])
        t = parts[p]
        v = values[p]
        out[k] += v * (((-t + 3.0) * t - 3.0) * t + 1.0)
        out[k + 1] += v * ((3.0 * t - 6.0) * t * t + 4.0)
        out[k + 2] += v * (((-3.0 * t + 3.0) * t + 3.0) * t + 1.0)
        out[k + 3] += v * t * t * t


@numba.njit(nogil=True, cache=True)
def _spread_all(
    squares: Floats, weight: float, shift: float, dmax: float, width: float, out: Floats
) -> None:
    """Add weight / d at d, a sixth each of it at d - shift and d + shift."""
    if shift == 0.0:
        _spread(squares, weight, 0.0, dmax, width, out)
        return
    _spread(squares, weight * 2.0 / 3.0, 0.0, dmax, width, out)
    _spread(squares, weight / 6.0, -shift, dmax, width, out)
    _spread(squares, weight / 6.0, shift, dmax, width, out)


@numba.njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _deposit(
    lattice: Floats, differences: Floats, dmax: float, width: float, out: Floats
) -> None:
    """Add every distance |difference + lattice vector| ≤ dmax to `out`.

    The lattice is lower triangular: z depends on n_c alone, y on n_c and n_b, so the
    sphere gives each range of integers exactly. The zero difference (the first row)
    runs over half of the lattice and counts twice.
    """
    ax = lattice[0, 0]
    bx, by = lattice[1, 0], lattice[1, 1]
    cx, cy, cz = lattice[2, 0], lattice[2, 1], lattice[2, 2]
    squares = np.empty(_BUFFER)
    for row in range(differences.shape[0]):
        fa, fb, fc, weight, extra = differences[row]
        # Three points of Gauss-Hermite quadrature stand for the Gaussian of this
        # variance: they have its moments up to the fifth.
        shift = math.sqrt(3.0 * extra)
        itself = row == 0
        if itself:
            weight *= 2.0
        count = 0
        first_c = 0 if itself else math.ceil(-dmax / cz - fc)
        for nc in range(first_c, math.floor(dmax / cz - fc) + 1):
            z = (fc + nc) * cz
            left = dmax * dmax - z * z
            if left < 0.0:
                continue
            y0 = (fc + nc) * cy
            half = math.sqrt(left)
            first_b = math.ceil((-half - y0) / by - fb)
            if itself and nc == 0:
                first_b = 0
            for nb in range(first_b, math.floor((half - y0) / by - fb) + 1):
                y = y0 + (fb + nb) * by
                aside = z * z + y * y
                left = dmax * dmax - aside
                if left < 0.0:
                    continue
                x0 = (fc + nc) * cx + (fb + nb) * bx + fa * ax
                half = math.sqrt(left)
                first_a = math.ceil((-half - x0) / ax)
                if itself and nc == 0 and nb == 0:
                    first_a = 1
                more = math.floor((half - x0) / ax) - first_a + 1
                start = x0 + first_a * ax
                while more > 0:
                    step = min(more, _BUFFER - count)
                    for p in range(step):
                        x = start + p * ax
                        squares[count + p] = aside + x * x
                    count += step
                    start += step * ax
                    more -= step
                    if count == _BUFFER:
                        _spread_all(squares[:count], weight, shift, dmax, width, out)
                        count = 0
        _spread_all(squares[:count], weight, shift, dmax, width, out)


@numba.njit(nogil=True, cache=True)
def _triangular(lattice: Floats) -> Floats:
    """Return the lattice rotated so that a lies along x and b in the xy plane."""
    a, b, c = lattice
    ax = math.sqrt((a * a).sum())
    bx = (a * b).sum() / ax
    by = math.sqrt((b * b).sum() - bx * bx)
    cx = (a * c).sum() / ax
    cy = ((b * c).sum() - bx * cx) / by
    cz = math.sqrt((c * c).sum() - cx * cx - cy * cy)
    return np.array([[ax, 0.0, 0.0], [bx, by, 0.0], [cx, cy, cz]])


def add_pairs(
    lattice: Floats,
    frac: Floats,
    weights: Floats,
    extra: Floats,
    dmax: float,
    width: float,
    out: Floats,
) -> None:
    """Add w_i w_j / d of all pairs of one crystal to `out`, (n_bins,).

    `lattice` has a, b, c as rows in Å, `extra` the Uiso of each atom beyond that of the
    conditions in Å², and `width` is that of a bin in Å.
    """
    # Not compiled: Numba's cache of a function ignores edits of other modules.
    # Shortest vector first: the innermost loop runs along it.
    order = np.argsort((lattice * lattice).sum(axis=1), kind="stable")
    lattice, frac = lattice[order], frac[:, order] - np.floor(frac[:, order])
    rows = distinct_differences(lattice, frac, weights, extra, dmax)
    _deposit(_triangular(lattice), rows, dmax, width, out)
