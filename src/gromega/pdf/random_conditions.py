"""PDFs at random conditions from a box, as JAX can draw them within a step."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from numpy.typing import NDArray

from gromega.conditions import NUMERIC_FIELDS, Box, Conditions
from gromega.pdf.network_grid import INPUT_R, input_readout
from gromega.pdf.operator import build

OperatorArrays = dict[str, Array]
"""matrix, baseline and noise as of `operator.build`, and the level of the noise."""

BULK = 300.0
"""Diameter, Å, beyond which a crystallite looks like a bulk crystal up to 30 Å."""
_LEAST_NOISE = 0.003


def draw_theta(
    box: Box, key: Array, usual: Conditions | None = None
) -> dict[str, Array]:
    """Return numeric conditions drawn from a box, as `operator.build` takes them.

    Most are uniform over their range. Uiso, the diameter and the noise are uniform in
    their logarithm; half of all draws are bulk crystals, half are without noise, and a
    third has the highest rmax. Qdamp and Qbroad crowd at their low ends, as
    instruments do. At most one kind of correlated motion is there at a time.

    Parameters
    ----------
    box
        The box.
    key
        The random key.
    usual
        If given, only some of the conditions are drawn and the rest are as in these:
        any number of them, each number being as likely.
    """
    n = len(NUMERIC_FIELDS)
    draws, tosses = jax.random.uniform(key, (2, n))
    uniform = dict(zip(NUMERIC_FIELDS, draws, strict=True))
    coins = dict(zip(NUMERIC_FIELDS, tosses, strict=True))
    theta = {}
    for name in NUMERIC_FIELDS:
        low, high = getattr(box, name)
        u = uniform[name]
        if low == high:
            theta[name] = jnp.asarray(low, u.dtype)
            continue
        if name in ("qdamp", "qbroad"):
            u = u**1.7
        if name == "uiso":
            value = low * (high / low) ** u
        elif name == "diameter":
            finite = min(high, BULK)
            value = jnp.where(coins[name] < 0.5, low * (finite / low) ** u, high)
        elif name == "noise":
            least = max(low, min(_LEAST_NOISE, high))
            value = jnp.where(coins[name] < 0.5, least * (high / least) ** u, low)
        else:
            value = low + (high - low) * u
        if name == "rmax":
            value = jnp.where(coins[name] < 1 / 3, high, value)
        theta[name] = value
    kind = coins["delta1"]
    for name, wanted in (("delta1", kind < 1 / 6), ("delta2", kind > 2 / 3)):
        low = getattr(box, name)[0]
        theta[name] = jnp.where(wanted, theta[name], low)
    if usual is not None:
        apart, still = jax.random.split(jax.random.fold_in(key, 0))
        kept = jax.random.uniform(apart, (n,)) < jax.random.uniform(still)
        keep = dict(zip(NUMERIC_FIELDS, kept, strict=True))
        keep["delta2"] = keep["delta1"]
        for name in NUMERIC_FIELDS:
            theta[name] = jnp.where(keep[name], getattr(usual, name), theta[name])
    return theta


def at_random(
    spectra: NDArray[np.float32],
    density: NDArray[np.float64],
    box: Box,
    seed: int,
    n_conditions: int = 64,
) -> NDArray[np.float32]:
    """Return G(r), (n, 209), of crystals, each at conditions drawn from a box.

    Parameters
    ----------
    spectra
        The pair spectra, (n, n_bins).
    density
        The number densities ρ0, (n,), in Å⁻³.
    box
        The box.
    seed
        The seed of conditions and noise.
    n_conditions
        The number of conditions, which the crystals share.
    """
    g = np.empty((len(spectra), INPUT_R.size), np.float32)
    for k in range(n_conditions):
        rows = np.arange(k, len(spectra), n_conditions)
        key = jax.random.fold_in(jax.random.key(seed), k)
        op = random_operator(box, spectra.shape[1], key)
        noise = jax.random.fold_in(key, 1)
        g[rows] = observe(op, spectra[rows][None], density[rows][None], noise)[0]
    return g


@partial(jax.jit, static_argnums=(0, 1, 3, 4))
def random_operator(
    box: Box,
    n_d: int,
    key: Array,
    stretch: float = 0.0,
    usual: Conditions | None = None,
) -> OperatorArrays:
    """Return an operator of random conditions, and the level of its noise.

    Parameters
    ----------
    box
        What the conditions are drawn from.
    n_d
        The number of bins of the spectra.
    key
        The random key.
    stretch
        The largest strain, alike in all directions, of the crystals that it is for.
    usual
        As in `draw_theta`.
    """
    theta = draw_theta(box, key, usual)
    if stretch:
        strain = jax.random.uniform(jax.random.fold_in(key, 1), (), minval=-1.0)
        theta["r_scale"] *= 1.0 + stretch * strain
    matrix, baseline, noise = build(theta, input_readout(), n_d, jnp)
    level = jnp.asarray(theta["noise"])
    return {"matrix": matrix, "baseline": baseline, "noise": noise, "level": level}


def observe(
    op: OperatorArrays, spectra: ArrayLike, density: ArrayLike, key: Array
) -> Array:
    """Return G(r) with noise, (m, n, 209), of m operators with n crystals each.

    Parameters
    ----------
    op
        The operators, as of `random_operator`, stacked or one.
    spectra, density
        The spectra, (m, n, n_bins), and densities, (m, n).
    key
        The random key of the noise.
    """
    spectra, density = jnp.asarray(spectra), jnp.asarray(density)
    op = jax.tree.map(jnp.atleast_1d, op)
    matrix = op["matrix"].reshape(len(spectra), INPUT_R.size, -1)
    noise = op["noise"].reshape(len(spectra), INPUT_R.size, -1)
    baseline = op["baseline"].reshape(len(spectra), 1, -1)
    # K p and the baseline nearly cancel out.
    g = jnp.einsum("mnd,mrd->mnr", spectra, matrix, precision="highest")
    g += density[..., None] * baseline
    size = jnp.sqrt(jnp.mean(g**2, axis=2, keepdims=True))
    factors = jax.random.normal(key, (*g.shape[:2], noise.shape[2]))
    waves = jnp.einsum("mnq,mrq->mnr", factors, noise)
    return g + op["level"].reshape(-1, 1, 1) * size * waves
