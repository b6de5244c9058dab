"""Noise of G(r): random in the measured band of F(Q), so correlated in r."""

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gromega.pdf.operator import Array, Operator, contract


def add_noise(op: Operator, g: Array, factors: Array, xp: Any = np) -> Array:
    """Return G, (..., n, n_r) in Å⁻², with noise from the measured band of F(Q).

    `factors` are the standard normal factors of the waves, (..., n, n_q).
    """
    level = op.level[..., None, None]
    size = xp.sqrt(xp.mean(g**2, axis=-1, keepdims=True))
    return g + level * size * contract(factors, op.noise, xp)


def add_crystal_noise(
    op: Operator, g: NDArray[np.float32], ids: Sequence[str], seed: int = 0
) -> NDArray[np.float32]:
    """Return G, (n, n_r) in Å⁻², with the noise of each crystal, if any.

    The noise of a crystal depends on its id and the seed alone, not on the crystals
    beside it.
    """
    if op.level == 0:
        return g
    factors = np.empty((len(ids), op.noise.shape[1]), np.float32)
    for row, name in zip(factors, ids, strict=True):
        generator = np.random.default_rng([seed, zlib.crc32(name.encode())])
        row[:] = generator.standard_normal(row.size, np.float32)
    noisy: NDArray[np.float32] = add_noise(op, g, factors)
    return noisy
