"""Defects of real data in G(r); see `gromega.defects`.

A second phase and the waves of a background are added to a finished G(r), before its
noise. Uiso of the elements and form factors change G(r) before. Waves depend on the id
of the crystal and a seed, the second phase on the id and the list of all crystals, the
others on the id alone. Functions with a parameter `xp` take ``numpy`` or ``jax.numpy``.
"""

import math
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gromega.crystals.crystal import Crystal
from gromega.crystals.uiso import uiso_by_element
from gromega.defects import Defects
from gromega.pdf.noise import add_crystal_noise
from gromega.pdf.operator import Array, Operator

N_WAVES = 3
"""The number of waves of one background."""
WAVE_Q = (0.2, 1.2)
"""The range of Q in Å⁻¹ of a slow wave: periods of 5 to 31 Å."""


def add_phase(g: Array, other: Array, share: Array, xp: Any = np) -> Array:
    """Return G of a mixture, (..., n_r), from G of its two phases.

    The share of the other one, (...) or a number, is by r.m.s.
    """
    size, of_other = _rms(g, xp), _rms(other, xp)
    # A crystal that the radiation cannot measure has no G.
    scaled = other * (size / xp.where(of_other > 0, of_other, 1.0))
    return (1.0 - share) * g + share * scaled


def add_waves(
    op: Operator, g: Array, share: Array, q: Array, phase: Array, xp: Any = np
) -> Array:
    """Return G, (..., n, n_r), with waves sin(q r + phase) within [rmin, rmax].

    q in Å⁻¹ and the phases are (..., n, n_waves). The share, (..., n, 1) or a number,
    is the r.m.s. of the sum of waves over that of G.
    """
    # Noise is where the data are.
    power = xp.mean(op.noise**2, axis=-1)
    inside = power > 0.1 * xp.max(power, axis=-1, keepdims=True)
    angles = q[..., None] * op.r[..., None, None, :] + phase[..., None]
    waves = xp.sum(xp.sin(angles), axis=-2) * inside[..., None, :]
    return g + share * waves * (_rms(g, xp) / _rms(waves, xp))


def _rms(g: Array, xp: Any) -> Array:
    return xp.sqrt(xp.mean(g**2, axis=-1, keepdims=True))


def add_defects(
    op: Operator,
    g: NDArray[np.float32],
    ids: Sequence[str],
    defects: Defects,
    other: NDArray[np.float32] | None = None,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Return G, (n, n_r) in Å⁻², with a second phase, waves and noise, if any.

    `other` is G of the crystals of the second phase, in the order of `partners`.
    """
    if defects.second_phase and other is not None:
        g = add_phase(g, other, np.float32(defects.second_phase))
    if defects.wave:
        draws = np.empty((2, len(ids), N_WAVES), np.float32)
        for row, name in enumerate(ids):
            draws[:, row] = _generator("wave", name, seed).random((2, N_WAVES))
        low, high = WAVE_Q
        q, phase = low + (high - low) * draws[0], 2 * math.pi * draws[1]
        g = add_waves(op, g, np.float32(defects.wave), q, phase).astype(np.float32)
    return add_crystal_noise(op, g, ids, seed)


def partners(ids: Sequence[str]) -> NDArray[np.int64]:
    """Return the index of the second phase of each crystal, (n,), never its own.

    Raise ValueError if there is one crystal only.
    """
    n = len(ids)
    if n == 1:
        raise ValueError(
            f"the second phase of {ids[0]!r} is another crystal, but there is none; "
            "give two crystals or more."
        )
    steps = [zlib.crc32(f"phase {name}".encode()) % (n - 1) for name in ids]
    return (np.arange(n) + 1 + np.array(steps, np.int64)) % n


def extra_uiso(crystal: Crystal, spread: float) -> NDArray[np.float64]:
    """Return the excess of each atom's Uiso by `uiso_by_element`, (n_atoms,), in Å²."""
    return uiso_by_element(crystal, spread, _generator("uiso", crystal.id))


def _generator(purpose: str, name: str, seed: int = 0) -> Generator:
    return np.random.default_rng([seed, zlib.crc32(f"{purpose} {name}".encode())])
