"""From crystals and conditions to G(r), by either engine."""

import zlib
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import ArrayLike, NDArray

from gromega.conditions import REFERENCE, Conditions
from gromega.crystals.crystal import Crystal
from gromega.pdf import srreal
from gromega.pdf.operator import Operator, operator, reach
from gromega.pdf.spectrum import DMAX, pair_spectra

ENGINES = ("native", "srreal")
_ROWS = 8192


@jax.jit
def _apply(spectra: Array, density: Array, matrix: Array, baseline: Array) -> Array:
    signal = jnp.matmul(spectra, matrix.T, precision="highest")
    return signal + density[:, None] * baseline


def apply_operator(
    op: Operator, spectra: NDArray[np.float32], density: ArrayLike
) -> NDArray[np.float32]:
    """Return G = K p + ρ0 b, (n, n_r) in Å⁻², without noise.

    Parameters
    ----------
    op
        The operator K(Ω).
    spectra
        The pair spectra, (n, n_bins) float32.
    density
        The number densities ρ0, (n,), in Å⁻³.
    """
    density = np.asarray(density, dtype=np.float32)
    matrix, baseline = jnp.asarray(op.matrix), jnp.asarray(op.baseline)
    g = np.empty((len(spectra), op.r.size), np.float32)
    for start in range(0, len(spectra), _ROWS):
        rows = slice(start, start + _ROWS)
        g[rows] = _apply(spectra[rows], density[rows], matrix, baseline)
    return g


def add_noise(
    op: Operator,
    g: NDArray[np.float32],
    ids: Sequence[str],
    level: float,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Return G with noise from the measured band of F(Q).

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
    level
        The r.m.s. of the noise over the r.m.s. of G: `Conditions.noise`.
    seed
        The seed of the noise.
    """
    if level == 0:
        return g
    factors = np.empty((len(ids), op.noise.shape[1]), np.float32)
    for row, name in enumerate(ids):
        generator = np.random.default_rng([seed, zlib.crc32(name.encode())])
        factors[row] = generator.standard_normal(factors.shape[1], np.float32)
    size = np.sqrt(np.mean(g**2, axis=1, keepdims=True))
    return g + level * size * (factors @ op.noise.T)


def simulate(
    crystals: Sequence[Crystal],
    conditions: Conditions = REFERENCE,
    engine: str = "native",
    seed: int = 0,
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return G(r, Ω) of crystals on the calculation grid.

    Parameters
    ----------
    crystals
        The crystals, n of them.
    conditions
        The conditions Ω; the reference if left out.
    engine
        The engine, ``"native"`` or ``"srreal"`` (diffpy.srreal, if installed).
    seed
        The seed of the noise, where the conditions have some.

    Returns
    -------
    r : (n_r,) float64
        The grid k π/40 Å within [rmin, rmax].
    g : (n, n_r) float32
        G(r) in Å⁻².

    Raises
    ------
    ValueError
        If the engine is unknown, or a crystal has an element without a scattering
        length for this radiation.
    ImportError
        If the engine ``"srreal"`` is asked for and cannot be imported.
    """
    if engine not in ENGINES:
        raise ValueError(
            f"there is no engine {engine!r}; the engines are {', '.join(ENGINES)}."
        )
    dmax = max(DMAX, reach(conditions))
    op = operator(conditions, dmax)
    if engine == "srreal":
        g = srreal.pdf(crystals, conditions)
    else:
        spectra = pair_spectra(crystals, conditions.radiation, dmax)
        g = apply_operator(op, spectra, [crystal.density for crystal in crystals])
    ids = [crystal.id for crystal in crystals]
    return op.r, add_noise(op, g, ids, conditions.noise, seed)
