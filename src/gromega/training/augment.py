"""Label-preserving changes of training PDFs, made anew for every batch."""

import math
from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from gromega.pdf.network_grid import INPUT_R

_STRAINS = 33
_GROUPS = 8
_HALF_WIDTH = 12
_RIPPLES = 3


@lru_cache
def stretch_matrices(largest: float) -> NDArray[np.float32]:
    """Return the maps of G(r) to that of a strained crystal, (n_strains, 209, 209).

    Strains run from -largest to largest, alike in all directions: G is read at
    r / (1 + strain). The network's grid, π/23 Å, samples G at the Nyquist rate of
    Qmax 23 Å⁻¹, so a windowed sinc interpolates it where a line would blur it.
    Beyond its ends G is taken to go on as it ends.
    """
    step = INPUT_R[1] - INPUT_R[0]
    n = INPUT_R.size
    nodes = np.arange(-_HALF_WIDTH, n + _HALF_WIDTH)
    matrices = np.zeros((_STRAINS, n, n))
    for matrix, strain in zip(
        matrices, np.linspace(-largest, largest, _STRAINS), strict=True
    ):
        at = (INPUT_R / (1.0 + strain) - INPUT_R[0]) / step
        away = np.clip(at[:, None] - nodes, -_HALF_WIDTH, _HALF_WIDTH)
        weights = np.sinc(away) * np.cos(np.pi * away / (2 * _HALF_WIDTH)) ** 2
        weights /= weights.sum(axis=1, keepdims=True)
        for node, column in zip(nodes.clip(0, n - 1), weights.T, strict=True):
            matrix[:, node] += column
    return matrices.astype(np.float32)


def stretch(x: Array, key: Array, matrices: Array) -> Array:
    """Return PDFs, (n, 209), strained at random.

    A batch is strained in a few groups, each by one matrix.
    """
    groups = math.gcd(x.shape[0], _GROUPS)
    chosen = jax.random.randint(key, (groups,), 0, matrices.shape[0])
    grouped = x.reshape(groups, -1, x.shape[1])
    return jnp.einsum("gij,gbj->gbi", matrices[chosen], grouped).reshape(x.shape)


def ripples(g: Array, key: Array) -> Array:
    """Return G(r), (n, 209), half of it with ripples at low r.

    What is wrong with F(Q) is mostly smooth in Q (background, absorption, Compton
    scattering), so it is found below the first peaks of G(r): a few waves that die
    out within an ångström or two.
    """
    keys = jax.random.split(key, 5)
    n = g.shape[0]
    r = jnp.asarray(INPUT_R - INPUT_R[0], g.dtype)
    size = 0.4 * jax.random.uniform(keys[0], (n, 1)) * jnp.abs(g).max(1, keepdims=True)
    size = jnp.where(jax.random.bernoulli(keys[1], 0.5, (n, 1)), size, 0.0)
    length = jax.random.uniform(keys[2], (n, 1), minval=0.2, maxval=1.2)
    q = jax.random.uniform(keys[3], (n, _RIPPLES, 1), minval=1.0, maxval=15.0)
    phase = jax.random.uniform(keys[4], (n, _RIPPLES, 1), maxval=2.0 * jnp.pi)
    waves = jnp.sin(q * r + phase).mean(axis=1)
    return g + size * waves * jnp.exp(-r / length)
