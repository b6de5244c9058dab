"""Noise of G(r): random in the measured band of F(Q), so correlated in r."""

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gromega.pdf.operator import Array, Operator, contract


def add_noise(op: Operator, g: Array, factors: Array, xp: Any = np) -> Array:
    """Return G with noise from the measured band of F(Q), (..., n, n_r).

    Parameters
    ----------
    op
        The operator or operators that made G.
    g
        G without noise, (..., n, n_r), in Å⁻².
    factors
        The standard normal factors of the waves, (..., n, n_q).
    xp
        The array library of all arrays.
    """
    level = op.level[..., None, None]
    size = xp.sqrt(xp.mean(g**2, axis=-1, keepdims=True))
    return g + level * size * contract(factors, op.noise, xp)


def add_crystal_noise(
    op: Operator, g: NDArray[np.float32], ids: Sequence[str], seed: int = 0
) -> NDArray[np.float32]:
    """Return G with the noise of each crystal, (n, n_r), or as it is without noise.

    The noise of a crystal depends on its id and the seed alone, not on the crystals
    beside it.

    Parameters
    ----------
    op
        The operator that made G.
    g
        G without noise, (n, n_r), in Å⁻².
    ids
        The ids of the crystals, n of them.
    seed
        The seed of the noise.
    """
    if op.level == 0:
        return g
    factors = np.empty((len(ids), op.noise.shape[1]), np.float32)
    for row, name in zip(factors, ids, strict=True):
        generator = np.random.default_rng([seed, zlib.crc32(name.encode())])
        row[:] = generator.standard_normal(row.size, np.float32)
    noisy: NDArray[np.float32] = add_noise(op, g, factors)
    return noisy
