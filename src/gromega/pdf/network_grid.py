"""The r grid of the network: G(r) on the 209 points of the paper."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gromega.conditions import GRID_STEP, Conditions
from gromega.defects import NO_DEFECTS, Defects
from gromega.pdf.noise import add_crystal_noise
from gromega.pdf.operator import Operator, apply_operator, build_operator, grid_size

INPUT_R = 1.5 + np.arange(209) * math.pi / 23
"""The r of the network's input, (209,), in Å: up to 29.91 Å."""


def points_within(rmin: float, rmax: float) -> NDArray[np.bool_]:
    """Return which of `INPUT_R` lie within [rmin, rmax] (Å), (209,)."""
    return (rmin - 1e-9 <= INPUT_R) & (rmax + 1e-9 >= INPUT_R)


def to_unit(g: Any) -> Any:
    """Return G(r), (n, 209), each scaled to [0, 1] by its own minimum and maximum.

    The arrays are those of NumPy or of JAX. A constant becomes 0.
    """
    low = g.min(axis=1, keepdims=True)
    span = g.max(axis=1, keepdims=True) - low
    return (g - low) / (span + (span == 0))


@lru_cache
def input_readout() -> NDArray[np.float64]:
    """Return the quadratic spline from the grid k Δ to `INPUT_R`, (209, n_grid).

    n_grid is the power of two that holds all rmax up to 30 Å.
    """
    # SciPy's splines take half a second to import: few stages need this readout.
    from scipy.interpolate import make_interp_spline

    # One grid point below 1.5 Å, so that nothing is extrapolated.
    first = math.floor(INPUT_R[0] / GRID_STEP)
    last = math.ceil(INPUT_R[-1] / GRID_STEP)
    nodes = np.arange(first, last + 1)
    spline = make_interp_spline(nodes * GRID_STEP, np.eye(nodes.size), k=2)
    readout = np.zeros((INPUT_R.size, grid_size(INPUT_R[-1])))
    readout[:, nodes] = spline(INPUT_R)
    return readout


def input_operator(
    conditions: Conditions, dmax: float, defects: Defects = NO_DEFECTS
) -> Operator:
    """Return the operator from pair spectra up to dmax (Å) to G on `INPUT_R`.

    G is calculated on the grid k π/40 Å, zero outside [rmin, rmax], and then
    interpolated by a quadratic spline, as Lan et al. do.
    """
    return build_operator(conditions, dmax, INPUT_R, input_readout(), defects)


def simulate_input(
    spectra: NDArray[np.float32],
    density: ArrayLike,
    ids: Sequence[str],
    conditions: Conditions,
    dmax: float,
) -> NDArray[np.float32]:
    """Return G(r, Ω) of crystals on `INPUT_R`, (n, 209), in Å⁻², with its noise.

    The spectra up to dmax (Å) are (n, n_bins), the densities ρ0 (n,) in Å⁻³. The noise
    of a crystal depends on its id.
    """
    op = input_operator(conditions, dmax)
    g = apply_operator(op, spectra, density)
    return add_crystal_noise(op, g, ids)
