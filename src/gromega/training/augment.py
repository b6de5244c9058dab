"""Random changes of training PDFs that keep their space groups, new in every batch."""

import math
from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from gromega.defects import Defects
from gromega.pdf.defects import N_WAVES, WAVE_Q, add_phase, add_waves
from gromega.pdf.network_grid import INPUT_R
from gromega.pdf.operator import Operator
from gromega.pdf.random_conditions import DEFECT_SHARE

_N_STRAINS = 33  # from -largest to largest
_N_GROUPS = 8  # of a batch, each stretched by one strain
_HALF_WIDTH = 12  # of the windowed sinc, in grid points
_N_RIPPLES = 3  # in one PDF


@lru_cache
def stretch_matrices(largest: float) -> NDArray[np.float32]:
    """Return matrices that stretch G(r), (33, 209, 209) float32.

    The strains are isotropic, evenly spaced from -largest to largest; a crystal with
    the strain ε has G(r / (1 + ε)). The grid step of π/23 Å samples G at the Nyquist
    rate of Qmax 23 Å⁻¹, so a windowed sinc interpolates it; linear interpolation would
    blur it. Beyond the ends of the grid, G keeps its value there.
    """
    step = INPUT_R[1] - INPUT_R[0]
    n = INPUT_R.size
    nodes = np.arange(-_HALF_WIDTH, n + _HALF_WIDTH)
    matrices = np.zeros((_N_STRAINS, n, n))
    for matrix, strain in zip(
        matrices, np.linspace(-largest, largest, _N_STRAINS), strict=True
    ):
        at = (INPUT_R / (1.0 + strain) - INPUT_R[0]) / step
        away = np.clip(at[:, None] - nodes, -_HALF_WIDTH, _HALF_WIDTH)
        weights = np.sinc(away) * np.cos(np.pi * away / (2 * _HALF_WIDTH)) ** 2
        weights /= weights.sum(axis=1, keepdims=True)
        for node, column in zip(nodes.clip(0, n - 1), weights.T, strict=True):
            matrix[:, node] += column
    return matrices.astype(np.float32)


def stretch(x: Array, key: Array, matrices: Array) -> Array:
    """Return PDFs, (n, 209), stretched by random `stretch_matrices`.

    Up to 8 groups of consecutive rows are each stretched by one matrix.
    """
    groups = math.gcd(x.shape[0], _N_GROUPS)
    chosen = jax.random.randint(key, (groups,), 0, matrices.shape[0])
    grouped = x.reshape(groups, -1, x.shape[1])
    return jnp.einsum("gij,gbj->gbi", matrices[chosen], grouped).reshape(x.shape)


def ripples(g: Array, key: Array) -> Array:
    """Return G(r), (n, 209), with ripples at low r in half of the rows.

    Errors of F(Q) are mostly smooth in Q (background, absorption, Compton scattering),
    so they appear in G(r) below its first peaks, as a few waves that decay within one
    or two ångströms.
    """
    keys = jax.random.split(key, 5)
    n = g.shape[0]
    r = jnp.asarray(INPUT_R - INPUT_R[0], g.dtype)
    size = 0.4 * jax.random.uniform(keys[0], (n, 1)) * jnp.abs(g).max(1, keepdims=True)
    size = jnp.where(jax.random.bernoulli(keys[1], 0.5, (n, 1)), size, 0.0)
    length = jax.random.uniform(keys[2], (n, 1), minval=0.2, maxval=1.2)
    q = jax.random.uniform(keys[3], (n, _N_RIPPLES, 1), minval=1.0, maxval=15.0)
    phase = jax.random.uniform(keys[4], (n, _N_RIPPLES, 1), maxval=2.0 * jnp.pi)
    waves = jnp.sin(q * r + phase).mean(axis=1)
    return g + size * waves * jnp.exp(-r / length)


def random_defects(op: Operator, g: Array, key: Array, largest: Defects) -> Array:
    """Return G(r), (..., n, 209), with a second phase and with waves, each in a fifth.

    The shares are uniform up to those of `largest`. The second phase of a PDF is the
    one before it of the n, which have the same conditions.
    """
    keys = jax.random.split(key, 4)
    each = g.shape[:-1]

    def share(key: Array, most: float) -> Array:
        toss, u = jax.random.uniform(key, (2, *each, 1))
        return jnp.where(toss < DEFECT_SHARE, most * u, 0.0)

    if largest.second_phase and each[-1] > 1:
        other = jnp.roll(g, 1, axis=-2)
        g = add_phase(g, other, share(keys[0], largest.second_phase), jnp)
    if largest.wave:
        low, high = WAVE_Q
        q = jax.random.uniform(keys[1], (*each, N_WAVES), minval=low, maxval=high)
        phase = jax.random.uniform(keys[2], q.shape, maxval=2.0 * jnp.pi)
        g = add_waves(op, g, share(keys[3], largest.wave), q, phase, jnp)
    return g
