"""The symmetry of a crystal that makes interatomic differences equivalent."""

import math

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SAME_SITE = 1e-3
"""Å. Atoms closer than this share one disordered site and are not a pair. Sites that
symmetry maps onto one another agree to this: tables round at some 1e-4 Å."""
# The number of comparisons of atoms that take as long as a distance.
_COMPARED = 4.0
# The largest relative difference of the metric of a lattice from that of its image by a
# rotation: distances of 36 Å then differ by about 1e-5 Å.
_SAME_METRIC = 2e-7


@numba.njit(nogil=True, cache=True)
def _equivalent(weights: Floats, extra: Floats, i: int, j: int) -> bool:
    """Return whether two atoms have the same weight and the same extra Uiso."""
    return bool(abs(weights[j] - weights[i]) < 1e-9 and abs(extra[j] - extra[i]) < 1e-9)


@numba.njit(nogil=True, cache=True)
def _rotations(lattice: Floats) -> NDArray[np.int64]:
    """Return the proper rotations that keep the lattice, (n_rotations, 3, 3).

    Row k of each is the image of cell vector k in terms of the cell vectors, with
    coefficients from -1 to 1: those of a reduced cell have no others. For another cell
    some rotations may be missing, which costs time alone. The first is the identity.
    """
    metric = lattice @ lattice.T
    lengths = np.sqrt(np.diag(metric))
    steps = np.empty((27, 3), np.int64)
    images = np.empty((27, 3))
    for code in range(27):
        for axis in range(3):
            steps[code, axis] = code // 3**axis % 3 - 1
        images[code] = steps[code].astype(np.float64) @ lattice
    found = np.empty((24, 3, 3), np.int64)
    found[0] = np.eye(3, dtype=np.int64)
    count = 1
    products = images @ images.T
    for i in range(27):
        if not _alike(products[i, i], metric[0, 0], metric[0, 0]):
            continue
        for j in range(27):
            if not _alike(products[j, j], metric[1, 1], metric[1, 1]):
                continue
            if not _alike(products[i, j], metric[0, 1], lengths[0] * lengths[1]):
                continue
            for k in range(27):
                if (
                    not _alike(products[k, k], metric[2, 2], metric[2, 2])
                    or not _alike(products[i, k], metric[0, 2], lengths[0] * lengths[2])
                    or not _alike(products[j, k], metric[1, 2], lengths[1] * lengths[2])
                ):
                    continue
                a, b, c = steps[i], steps[j], steps[k]
                volume = (
                    a[0] * (b[1] * c[2] - b[2] * c[1])
                    + a[1] * (b[2] * c[0] - b[0] * c[2])
                    + a[2] * (b[0] * c[1] - b[1] * c[0])
                )
                same = a[0] == 1 and b[1] == 1 and c[2] == 1
                if volume == 1 and not same and count < 24:
                    found[count, 0], found[count, 1], found[count, 2] = a, b, c
                    count += 1
    return found[:count]


@numba.njit(nogil=True, cache=True)
def _alike(product: float, other: float, scale: float) -> bool:
    return bool(abs(product - other) < _SAME_METRIC * scale)


@numba.njit(nogil=True, cache=True)
def _inverses(rotations: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the inverses of matrices with determinant 1, (n, 3, 3)."""
    out = np.empty_like(rotations)
    for n in range(len(rotations)):
        m = rotations[n]
        for i in range(3):
            for j in range(3):
                a, b, c, d = (j + 1) % 3, (j + 2) % 3, (i + 1) % 3, (i + 2) % 3
                out[n, i, j] = m[a, c] * m[b, d] - m[a, d] * m[b, c]
    return out


@numba.njit(nogil=True, cache=True)
def _operations(
    frac: Floats,
    weights: Floats,
    extra: Floats,
    lengths: Floats,
    rotations: NDArray[np.int64],
    distances: float,
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the permutations of the atoms under x → ±x R + t, and the index of each R.

    They are (n_operations, n_atoms) and (n_operations,). R is one of the rotations, and
    t is any translation. All these keep the lattice, so pairs that they map onto one
    another have the same distances. The search for rotations other than 1 ends when it
    has taken longer than the distances that are left, of the number `distances`.
    """
    n = weights.size
    rare, fewest = 0, n + 1
    for i in range(n):
        similar = 0
        for j in range(n):
            similar += _equivalent(weights, extra, i, j)
        if similar < fewest:
            rare, fewest = i, similar
    n_rotations = rotations.shape[0]
    found = np.empty((2 * fewest * n_rotations, n), np.int32)
    of_rotation = np.empty(found.shape[0], np.int64)
    moved = np.empty((n, 3))
    taken = np.empty(n, np.bool_)
    count, compared, most = 0, 0, np.inf
    for r in range(n_rotations):
        if r == 1:
            compared, most = 0, _COMPARED * distances / count
        for sign in (1.0, -1.0):
            for i in range(n):
                for axis in range(3):
                    moved[i, axis] = 0.0
                    for k in range(3):
                        step = frac[i, k] - frac[rare, k]
                        moved[i, axis] += sign * step * rotations[r, k, axis]
            for target in range(n):
                if not _equivalent(weights, extra, target, rare):
                    continue
                if compared > most:
                    return found[:count], of_rotation[:count]
                complete = True
                taken[:] = False
                for i in range(n):
                    image = -1
                    compared += n
                    for j in range(n):
                        if taken[j] or not _equivalent(weights, extra, i, j):
                            continue
                        near = True
                        for axis in range(3):
                            step = moved[i, axis] + frac[target, axis] - frac[j, axis]
                            step -= round(step)
                            if abs(step) * lengths[axis] > SAME_SITE:
                                near = False
                                break
                        if near:
                            image = j
                            break
                    if image < 0:
                        complete = False
                        break
                    found[count, i] = image
                    taken[image] = True
                if complete:
                    of_rotation[count] = r
                    count += 1
    return found[:count], of_rotation[:count]


@numba.njit(nogil=True, cache=True)
def _differences(
    frac: Floats,
    weights: Floats,
    extra: Floats,
    operations: NDArray[np.int32],
    inverses: NDArray[np.int64],
) -> Floats:
    """Return the distinct x_j - x_i with their weights, (n_differences, 5).

    Symmetry-equivalent pairs are one row: their mean difference, which removes
    the rounding of coordinates to first order, the sum of w_i w_j over both
    orders of each pair, and the extra U of both atoms. The first row is the zero
    difference of i = j, all atoms together with the mean of their extra U. The
    inverses of the rotations, (n_operations, 3, 3), map each difference back.
    """
    n = weights.size
    rows = np.empty((1 + n * (n - 1) // 2, 5))
    rows[0, :3] = 0.0
    rows[0, 3] = (weights**2).sum()
    rows[0, 4] = 2.0 * (weights**2 * extra).sum() / rows[0, 3]
    count = 1
    counted = np.zeros((n, n), np.bool_)
    shift, plus, minus = np.empty((3, 3))
    for i in range(n):
        for j in range(i + 1, n):
            if counted[i, j]:
                continue
            shift[:] = 0.0
            pairs = 0
            for op in range(operations.shape[0]):
                k, m = operations[op, i], operations[op, j]
                low, high = min(k, m), max(k, m)
                if low == high or counted[low, high]:
                    continue
                counted[low, high] = True
                pairs += 1
                # The image is ± the first difference up to a lattice vector: of
                # both signs the one that lies nearer.
                same, opposite = 0.0, 0.0
                for axis in range(3):
                    back = 0.0
                    for row in range(3):
                        step = frac[high, row] - frac[low, row]
                        back += step * inverses[op, row, axis]
                    first = frac[j, axis] - frac[i, axis]
                    plus[axis] = back - first - round(back - first)
                    minus[axis] = -back - first - round(-back - first)
                    same += abs(plus[axis])
                    opposite += abs(minus[axis])
                shift += plus if same <= opposite else minus
            for axis in range(3):
                first = frac[j, axis] - frac[i, axis]
                rows[count, axis] = first + shift[axis] / pairs
            rows[count, 3] = 2.0 * pairs * weights[i] * weights[j]
            rows[count, 4] = extra[i] + extra[j]
            count += 1
    return rows[:count]


@numba.njit(nogil=True, cache=True)
def distinct_differences(
    lattice: Floats, frac: Floats, weights: Floats, extra: Floats, dmax: float
) -> Floats:
    """Return the distinct differences of a crystal up to dmax, see `_differences`.

    `lattice` has the cell vectors as rows in Å, and `frac` is from 0 to 1.
    """
    a, b, c = lattice
    volume = abs(
        a[0] * (b[1] * c[2] - b[2] * c[1])
        + a[1] * (b[2] * c[0] - b[0] * c[2])
        + a[2] * (b[0] * c[1] - b[1] * c[0])
    )
    distances = 0.5 * weights.size**2 * 4.0 / 3.0 * math.pi * dmax**3 / volume
    lengths = np.sqrt((lattice * lattice).sum(axis=1))
    turns = _rotations(lattice)
    found, numbers = _operations(frac, weights, extra, lengths, turns, distances)
    return _differences(frac, weights, extra, found, _inverses(turns)[numbers])
