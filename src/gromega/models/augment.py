"""Label-preserving changes of training PDFs, made anew for every batch."""

import math
from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from gromega.pdf.network_input import INPUT_R

_STRAINS = 33
_GROUPS = 8
_HALF_WIDTH = 12


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
    """Return PDFs, (n, 209), strained at random and scaled to [0, 1] again.

    A batch is strained in a few groups, each by one matrix.
    """
    groups = math.gcd(x.shape[0], _GROUPS)
    chosen = jax.random.randint(key, (groups,), 0, matrices.shape[0])
    grouped = x.reshape(groups, -1, x.shape[1])
    x = jnp.einsum("gij,gbj->gbi", matrices[chosen], grouped).reshape(x.shape)
    low = x.min(axis=1, keepdims=True)
    return (x - low) / (x.max(axis=1, keepdims=True) - low)
