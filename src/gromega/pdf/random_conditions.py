"""PDFs at random conditions from a box, drawn by JAX within a compiled step."""

from concurrent.futures import Executor
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from numpy.typing import NDArray

from gromega._util.parallel import ordered_map
from gromega.conditions import NUMERIC_FIELDS, Box, Conditions
from gromega.pdf.network_grid import INPUT_R, input_readout
from gromega.pdf.noise import add_noise
from gromega.pdf.operator import (
    Operator,
    apply_operator,
    noise_level,
    operator_arrays,
)

BULK = 300.0
"""Diameter, Å, beyond which a crystallite looks like a bulk crystal up to 30 Å."""
_LEAST_NOISE = 0.003
DEFECT_SHARE = 0.2
"""The share of the PDFs of a training that have one of the defects."""

# Here, because the NumPy path does not import JAX, which takes seconds.
jax.tree_util.register_dataclass(
    Operator, ["r", "matrix", "baseline", "noise", "level"], []
)


def draw_theta(
    box: Box, key: Array, usual: Conditions | None = None
) -> dict[str, Array]:
    """Return numeric conditions θ drawn from a box, as `operator_arrays` takes them.

    Most are uniform over their range. Uiso, the diameter and the noise are uniform in
    their logarithm. Half of all draws are bulk crystals, half have no noise, and a
    third have the highest rmax. Qdamp and Qbroad are mostly low, as they are at real
    instruments. δ1 and δ2 are never both drawn.

    Given the usual conditions, a random number of the conditions, each number being
    equally likely, is drawn, and the others have their usual value.
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
            finite = max(low, min(high, BULK))
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
        each, share = jax.random.split(jax.random.fold_in(key, 0))
        is_usual = jax.random.uniform(each, (n,)) < jax.random.uniform(share)
        keep = dict(zip(NUMERIC_FIELDS, is_usual, strict=True))
        keep["delta2"] = keep["delta1"]
        for name in NUMERIC_FIELDS:
            theta[name] = jnp.where(keep[name], getattr(usual, name), theta[name])
    return theta


def simulate_at_random(
    spectra: NDArray[np.float32],
    density: NDArray[np.float64],
    box: Box,
    seed: int,
    n_conditions: int = 64,
    pool: Executor | None = None,
) -> NDArray[np.float32]:
    """Return G(r), (n, 209) in Å⁻², of crystals at conditions drawn from a box.

    The spectra are (n, n_bins), the densities ρ0 (n,) in Å⁻³. Crystal i has the drawn
    conditions of number i mod n_conditions. The seed is that of conditions and noise.
    The pool is a cluster; None is this machine.
    """
    g = np.empty((len(spectra), INPUT_R.size), np.float32)
    alike = [slice(k, None, n_conditions) for k in range(n_conditions)]
    items = ((k, spectra[rows], density[rows]) for k, rows in enumerate(alike))
    made = ordered_map(pool, partial(_simulate_alike, box, seed), items)
    for rows, part in zip(alike, made, strict=True):
        g[rows] = part
    return g


def _simulate_alike(
    box: Box, seed: int, item: tuple[int, NDArray[np.float32], NDArray[np.float64]]
) -> NDArray[np.float32]:
    """Return G(r) of crystals at the drawn conditions of one number."""
    k, spectra, density = item
    key = jax.random.fold_in(jax.random.key(seed), k)
    op = random_operator(box, spectra.shape[1], key)
    noise = jax.random.fold_in(key, 1)
    return np.asarray(apply_with_noise(op, spectra, density, noise))


@partial(jax.jit, static_argnums=(0, 1, 3, 4, 5))
def random_operator(
    box: Box,
    n_d: int,
    key: Array,
    stretch: float = 0.0,
    usual: Conditions | None = None,
    counting_noise: float = 0.0,
) -> Operator:
    """Return an operator from n_d bins to the network's grid at drawn conditions.

    `stretch` is the largest random strain, the same in all directions, of the crystals,
    `counting_noise` the largest of `Defects`, in a fifth of the operators.
    """
    theta = draw_theta(box, key, usual)
    if counting_noise:
        toss, u = jax.random.uniform(jax.random.fold_in(key, 2), (2,))
        theta["counting_noise"] = jnp.where(toss < DEFECT_SHARE, u * counting_noise, 0)
    if stretch:
        strain = jax.random.uniform(jax.random.fold_in(key, 1), (), minval=-1.0)
        theta["r_scale"] *= 1.0 + stretch * strain
    matrix, baseline, noise = operator_arrays(theta, input_readout(), n_d, jnp)
    level = noise_level(theta, jnp)
    return Operator(jnp.asarray(INPUT_R), matrix, baseline, noise, level)


def apply_with_noise(
    op: Operator, spectra: ArrayLike, density: ArrayLike, key: Array
) -> Array:
    """Return G(r) with random noise, (..., n, 209) in Å⁻²; see `apply_operator`.

    JAX can trace it.
    """
    g: Array = apply_operator(op, spectra, density, jnp)
    factors = jax.random.normal(key, (*g.shape[:-1], op.noise.shape[-1]))
    noisy: Array = add_noise(op, g, factors, jnp)
    return noisy
