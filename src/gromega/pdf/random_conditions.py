"""Random conditions from a box, as JAX can draw them within a compiled step."""

import jax
import jax.numpy as jnp
from jax import Array

from gromega.conditions import NUMERIC_FIELDS, Box

BULK = 300.0
"""Diameter, Å, beyond which a crystallite looks like a bulk crystal up to 30 Å."""
_LEAST_NOISE = 0.003


def draw_theta(box: Box, key: Array) -> dict[str, Array]:
    """Return numeric conditions drawn from a box, as `operator.build` takes them.

    Most are uniform over their range. Uiso and the diameter are uniform in their
    logarithm; half of all draws are bulk crystals, half are without noise, and a
    third has the highest rmax. Qdamp and Qbroad crowd at their low ends, as
    instruments do. At most one kind of correlated motion is there at a time.

    Parameters
    ----------
    box
        The box.
    key
        The random key.
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
    return theta
