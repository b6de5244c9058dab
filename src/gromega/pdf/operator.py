"""The operator K(Ω): every step from a pair spectrum to G(r, Ω), as one matrix.

With one Uiso for all atoms G is linear in the pair spectrum p and the density ρ0,

    G(r_k, Ω) = Σ_d K_kd(Ω) p_d + ρ0 b_k(Ω),

and K = E B R P A⁻¹ with, on the grid r_k = k Δ, Δ = π/40 Å,

    P_kd  = N(r'_k - d; σ(d)), σ² = 2 Uiso (1 - δ1/d - δ2/d² + Qbroad² d²)    peaks
    A     = the values of cubic B-splines at the knots                    binning
    R_k   = 1 on [rmin - e, rmax + e], e = 6 · 2π/Qmax, 0 outside             range
    B_kl  = 2/N Σ_m sin(Q_m r_k) sin(Q_m r_l),  Qmin ≤ Q_m < Qmax       termination
    E_k   = exp(-(r_k Qdamp)²/2) (1 - 1.5 r_k/D + 0.5 (r_k/D)³)           envelopes

and b = E B R (-4π r'). Here r' = (r - offset) / scale is the true distance where the
calibration is wrong, Q_m = m π/(N Δ), and N is the power of two that holds the range.
The steps and their order are those of diffpy.srreal's PDFCalculator (Juhás et al., Acta
Cryst. A71 (2015) 562); the peak width is Jeong's (J. Phys. Chem. A 103 (1999) 921) and
the envelope of a sphere is Howell's (Phys. Rev. B 73 (2006) 094107).

Functions with a parameter `xp` take ``numpy`` or ``jax.numpy``. This module does not
import JAX; `gromega.pdf.random_conditions` does, and makes `Operator` a pytree.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gromega.conditions import GRID_STEP, NUMERIC_FIELDS, Conditions
from gromega.defects import NO_DEFECTS, Defects
from gromega.pdf.bins import bin_centres, n_bins, spline_coefficients
from gromega.pdf.form_factors import average_falloff

RIPPLES = 6
"""Termination ripples by which the range is extended, as in PDFCalculator."""
MAX_EXTENSION = 10.0
"""Å, the most by which ripples and peak tails extend the range together."""
PEAK_PRECISION = 3.33e-6
"""Relative height at which PDFCalculator cuts the tail of a peak."""
# Knots at a time, and the distance in σ at which exp(-x²/2) is 10⁻²⁰.
_BLOCK, _FAR = 128, 9.6
_TAIL = math.sqrt(-2.0 * math.log(PEAK_PRECISION))

Array = Any
"""An array of NumPy, or of JAX where `xp` is `jax.numpy`."""
Theta = Mapping[str, Array]
"""The numeric conditions θ by name: numbers, or arrays that JAX traces."""


@dataclass(frozen=True)
class Operator:
    """K(Ω) with its baseline and its noise, on an output grid.

    The arrays are those of NumPy or of JAX. Several operators may be stacked: every
    array then has the same leading axes (...).
    """

    r: Array  # the output grid, (..., n_r), in Å
    matrix: Array  # K, (..., n_r, n_bins) float32
    baseline: Array  # b, (..., n_r) float32, in Å
    # The wave of each Q of the band, (..., n_r, n_q) float32: their sum with standard
    # normal factors has an expected mean square of one over the output grid.
    noise: Array
    level: Array  # the r.m.s. of the noise over that of G, (...)


def theta_of(conditions: Conditions, defects: Defects = NO_DEFECTS) -> dict[str, float]:
    """Return the numeric conditions θ, and counting noise, as JAX can trace them."""
    theta = {name: getattr(conditions, name) for name in NUMERIC_FIELDS}
    if defects.counting_noise:
        theta["counting_noise"] = defects.counting_noise
    return theta


def noise_level(theta: Theta, xp: Any = np) -> Array:
    """Return the r.m.s. of all noise over that of G(r)."""
    if "counting_noise" not in theta:
        return xp.asarray(theta["noise"])
    return xp.hypot(theta["noise"], theta["counting_noise"])


def variance(theta: Theta, d: Array) -> Array:
    """Return σ²(d) of a peak, in Å²."""
    motion = 1.0 - theta["delta1"] / d - theta["delta2"] / d**2
    return 2.0 * theta["uiso"] * (motion + (theta["qbroad"] * d) ** 2)


def extensions(theta: Theta, xp: Any = np) -> tuple[Array, Array]:
    """Return by how much ripples and peak tails extend the range, each in Å.

    Together they are at most `MAX_EXTENSION`; both are scaled down alike when more.
    """
    ripples = RIPPLES * 2.0 * xp.pi / theta["qmax"]
    ends = xp.stack([xp.asarray(theta["rmin"]), xp.asarray(theta["rmax"])])
    widest = xp.max(variance(theta, xp.maximum(ends, GRID_STEP)))
    tails = _TAIL * xp.sqrt(xp.maximum(widest, 0.0))
    scale = xp.minimum(1.0, MAX_EXTENSION / (ripples + tails))
    return ripples * scale, tails * scale


def reach(conditions: Conditions) -> float:
    """Return the longest distance in Å that G(r) at these conditions depends on."""
    ripples, tails = extensions(theta_of(conditions))
    end = conditions.rmax + float(ripples) + float(tails)
    return max(end, (end - conditions.r_offset) / conditions.r_scale)


def check_reach(conditions: Conditions, dmax: float) -> None:
    """Raise ValueError unless spectra up to dmax (Å) are long enough for G(r)."""
    needed = reach(conditions)
    if dmax < needed - 1e-6:
        raise ValueError(
            f"the pair spectra reach {dmax:g} Å, but G(r) at these conditions depends "
            f"on distances up to {needed:.2f} Å; compute longer spectra (spectra.dmax "
            "in params.yaml) or lower rmax."
        )


def grid_size(rmax: float) -> int:
    """Return the number of steps, a power of two, that holds rmax extended."""
    # One size up to 30 Å, so that one readout serves all conditions of the paper.
    longest = max(rmax, 30.0) + MAX_EXTENSION
    return 1 << math.ceil(math.log2(longest / GRID_STEP + 1))


def _peaks(theta: Theta, r: Array, d: Array, xp: Any) -> Array:
    """Return P, (n_r, n_d): the peak N(r - d; σ(d)) of each knot d."""
    positive = xp.where(d > 0, d, 1.0)
    sigma2 = variance(theta, positive)
    valid = (d > 0) & (sigma2 > 0)
    sigma2 = xp.where(valid, sigma2, 1.0)
    height = xp.where(valid, 1.0 / xp.sqrt(2.0 * xp.pi * sigma2), 0.0)
    return height * xp.exp((r[:, None] - d) ** 2 * (-0.5 / sigma2))


def _times_peaks(theta: Theta, left: Array, r: Array, d: Array, xp: Any) -> Array:
    """Return left P, (n, n_d), for a matrix (n, n_r) and an increasing r, (n_r,).

    NumPy takes some knots at a time, with only the r at which their peaks are above
    10⁻²⁰ of their height.
    """
    if xp is not np:
        return xp.matmul(left, _peaks(theta, r, d, xp), precision="highest")
    out = np.empty((len(left), d.size), left.dtype)
    for start in range(0, d.size, _BLOCK):
        some = d[start : start + _BLOCK]
        far = _FAR * math.sqrt(variance(theta, some[some > 0]).max(initial=0.0))
        rows = slice(*np.searchsorted(r, [some[0] - far, some[-1] + far]))
        peaks = _peaks(theta, r[rows], some, np)
        out[:, start : start + _BLOCK] = left[:, rows] @ peaks
    return out


def _range(theta: Theta, k: Array, xp: Any) -> Array:
    """Return R, (n_grid,), 1 on the range that the termination ripples need."""
    ripples, _ = extensions(theta, xp)
    low, high = theta["rmin"] - ripples, theta["rmax"] + ripples
    return ((k >= low / GRID_STEP) & (k <= high / GRID_STEP)).astype(k.dtype)


def _band(theta: Theta, k: Array, xp: Any) -> tuple[Array, Array, Array]:
    """Return sin(Q_m r_k), (n_grid, n_q), Q_m and the band's weights 2/N or 0."""
    ripples, _ = extensions(theta, xp)
    steps = xp.floor((theta["rmax"] + ripples) / GRID_STEP) + 1.0
    size = 2.0 ** xp.ceil(xp.log2(steps) - 1e-6)
    # The grid's own size bounds m, though the band may belong to a smaller N.
    m = xp.arange(k.size, dtype=k.dtype)
    q = m * (xp.pi / GRID_STEP) / size
    tiny = 1e-6 * GRID_STEP
    inside = (m < size) & (q > theta["qmin"] - tiny) & (q < theta["qmax"] - tiny)
    sines = xp.sin(xp.pi * xp.mod(k[:, None] * m, 2.0 * size) / size)
    return sines, q, xp.where(inside, 2.0 / size, 0.0)


def _envelopes(theta: Theta, r: Array, xp: Any) -> Array:
    """Return E, (n_r,), of the instrument and of a spherical crystallite."""
    x = r / theta["diameter"]
    sphere = xp.where(x < 1.0, 1.0 - 1.5 * x + 0.5 * x**3, 0.0)
    return xp.exp(-((r * theta["qdamp"]) ** 2) / 2.0) * sphere


def _cut(theta: Theta, r: Array) -> Array:
    """Return 1 where G(r) is given, 0 outside [rmin, rmax].

    One more point below rmin is kept, for readouts that interpolate from it.
    """
    inside = (r > theta["rmin"] - GRID_STEP) & (r < theta["rmax"] + 1e-6)
    return inside.astype(r.dtype)


def operator_arrays(
    theta: Theta, readout: Array, n_d: int, xp: Any = np
) -> tuple[Array, Array, Array]:
    """Return `readout` applied to K, b and the waves of the noise.

    JAX can trace it, and differentiate it in θ: the edges of range and band are
    piecewise constant, as they are in PDFCalculator. The precision is that of the
    readout, the linear map from the grid r_k = k Δ to the output, (n_r, n_grid), n_grid
    a power of two that holds the extended range; see `grid_size`. K is (n_r, n_d), b is
    (n_r,) in Å, and the waves of each Q_m are (n_r, n_grid), zero outside the band.
    """
    product = xp.matmul if xp is np else partial(xp.matmul, precision="highest")
    readout = xp.asarray(readout)
    k = xp.arange(readout.shape[1], dtype=readout.dtype)
    r = k * GRID_STEP
    d = xp.asarray(bin_centres(n_d), dtype=readout.dtype)
    keep = _range(theta, k, xp)
    sines, q, band = _band(theta, k, xp)
    readout = readout * _cut(theta, r)
    out = product(readout * _envelopes(theta, r, xp), sines) * band
    back = product(out, sines.T) * keep
    # A wrong calibration moves the peaks of the crystal. Range, band and envelopes act
    # on the r that the measurement states.
    true = (r - theta["r_offset"]) / theta["r_scale"]
    matrix = spline_coefficients(_times_peaks(theta, back, true, d, xp), xp)
    baseline = product(back, -4.0 * xp.pi * true)
    # No instrument envelope damps the noise.
    noise = _noise(theta, product(readout, sines) * (q * (band > 0)), q, xp)
    return matrix, baseline, noise


def _noise(theta: Theta, waves: Array, q: Array, xp: Any) -> Array:
    """Return the waves of the noise, of Q_m sin(Q_m r), (n_r, n_q).

    White noise of S(Q) grows with Q in F = Q (S - 1). By counting statistics, it grows
    as 1/f(Q) besides, f being that of an average element.
    """
    if "counting_noise" not in theta:
        return waves / xp.sqrt(xp.mean(xp.sum(waves**2, axis=1)))
    power = xp.mean(waves**2, axis=0)
    counted = xp.interp(q, *map(xp.asarray, average_falloff())) ** -2
    total = theta["noise"] ** 2 + theta["counting_noise"] ** 2
    share = theta["counting_noise"] ** 2 / xp.where(total > 0, total, 1.0)
    # Squares of independent noise add.
    square = (1.0 - share) / xp.sum(power) + share * counted / xp.sum(power * counted)
    return waves * xp.sqrt(square)


def transform_arrays(
    theta: Theta, readout: NDArray[np.float64], n_d: int
) -> tuple[NDArray[np.float64], ...]:
    """Return Q, (n_q,), and K and b in two steps, to F(Q) and from there to G(r).

    The first step is (n_q, n_d) for K and (n_q,) for b; the second one, after the
    `readout`, is (n_r, n_q). All Q are in the band.
    """
    k = np.arange(readout.shape[1], dtype=np.float64)
    r = k * GRID_STEP
    sines, q, band = _band(theta, k, np)
    sines, q, band = sines[:, band > 0], q[band > 0], band[band > 0]
    true = (r - theta["r_offset"]) / theta["r_scale"]
    forth = (sines * _range(theta, k, np)[:, None]).T
    peaks = spline_coefficients(_times_peaks(theta, forth, true, bin_centres(n_d), np))
    back = (readout * _cut(theta, r) * _envelopes(theta, r, np)) @ sines * band
    return q, peaks, forth @ (-4.0 * np.pi * true), back


def calculation_grid(conditions: Conditions) -> NDArray[np.int64]:
    """Return the k of the grid points r_k = k Δ within [rmin, rmax]."""
    first = math.ceil(conditions.rmin / GRID_STEP - 1e-9)
    last = math.floor(conditions.rmax / GRID_STEP + 1e-9)
    return np.arange(first, last + 1)


def build_operator(
    conditions: Conditions,
    dmax: float,
    r: NDArray[np.float64] | None = None,
    readout: NDArray[np.float64] | None = None,
    defects: Defects = NO_DEFECTS,
) -> Operator:
    """Return the operator of some conditions for pair spectra up to dmax (Å).

    It is built in double precision and returned in single. The readout is the linear
    map from the grid k Δ to the output grid r, (n_r, at most grid_size(rmax)). By
    default, the output is the grid k Δ within [rmin, rmax], as PDFCalculator gives it.
    Of the defects, the operator has the counting noise.

    Raises
    ------
    ValueError
        If the spectra do not reach as far as G(r) at these conditions depends, or
        the measured band is too narrow to hold any Q.
    """
    check_reach(conditions, dmax)
    theta = theta_of(conditions, defects)
    r, readout = output_of(conditions, r, readout)
    # Range and band are zero from these k and m on.
    size, range_end = readout.shape[1], conditions.rmax + float(extensions(theta)[0])
    k_end, m_end = range_end / GRID_STEP, size * conditions.qmax * GRID_STEP / math.pi
    readout = readout[:, : math.ceil(max(k_end, m_end)) + 1]
    with np.errstate(invalid="ignore"):
        arrays = operator_arrays(theta, readout, n_bins(dmax))
    matrix, baseline, noise = (array.astype(np.float32) for array in arrays)
    noise = np.pad(noise, ((0, 0), (0, size - noise.shape[1])))
    if not np.isfinite(noise).all():
        raise ValueError(
            f"no point of the Q grid lies between qmin {conditions.qmin:g} and qmax "
            f"{conditions.qmax:g} Å⁻¹; set them further apart."
        )
    return Operator(r, matrix, baseline, noise, np.float32(noise_level(theta)))


def output_of(
    conditions: Conditions,
    r: NDArray[np.float64] | None = None,
    readout: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the output grid, (n_r,) in Å, and its readout, (n_r, grid_size(rmax)).

    The arguments are those of `build_operator`.
    """
    size = grid_size(conditions.rmax)
    if r is None or readout is None:
        grid = calculation_grid(conditions)
        return grid.astype(np.float64) * GRID_STEP, np.eye(size)[grid]
    return r, np.pad(readout, ((0, 0), (0, size - readout.shape[1])))


def apply_operator(
    op: Operator, spectra: ArrayLike, density: ArrayLike, xp: Any = np
) -> Array:
    """Return G = K p + ρ0 b, (..., n, n_r) float32 in Å⁻², without noise.

    K p and ρ0 b nearly cancel, so the product is one of full single precision. The
    operator may be several, stacked on axes (...); the spectra p are (..., n, n_bins),
    ρ0 is (..., n) in Å⁻³. With ``jax.numpy`` the G of a crystal has the same bits in
    every batch of crystals, which BLAS does not guarantee.
    """
    rho: Array = xp.asarray(density, dtype=np.float32)
    g = contract(spectra, op.matrix, xp, "highest")
    return g + rho[..., None] * op.baseline[..., None, :]


def contract(
    a: ArrayLike, b: ArrayLike, xp: Any, precision: str | None = None
) -> Array:
    """Return Σ_d a_nd b_rd, (..., n, r), of a (..., n, d) and b (..., r, d).

    The precision is JAX's, for GPUs that multiply in less than single precision.
    """
    if xp is np:
        # Not einsum, which uses no BLAS for stacked matrices.
        return np.matmul(a, np.swapaxes(b, -1, -2))
    return xp.einsum("...nd,...rd->...nr", a, b, precision=precision)
