"""Memory: the crystals that a model has learned from, found again by their likeness."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

SPREADS = (0.02, 0.025, 0.03, 0.035, 0.04, 0.05, 0.06, 0.08, 0.1)
"""The spreads that `fit` tries."""
_FLOOR = 1e-3
_BLOCK = 512
_DECAY = 1e-4


@dataclass(frozen=True)
class Memory:
    """Known crystals as directions, each of which votes for its space group.

    A network of a few million weights forgets most of what it has seen. How like two
    PDFs are it judges much better, by the angle between their embeddings. So crystal i
    has w_i = exp(s_i / spread) votes, s_i being the cosine of the angle between its
    direction and that of the PDF, and with the share q of the votes,

        log p = (1 - weight) log p_network + weight log(q + 0.001),

    up to what makes the sum of p one: a nearest-neighbour memory as in Khandelwal et
    al. (2020), but for the logarithms.

    Parameters
    ----------
    directions
        The direction of each crystal, (n, width), int8, up to a factor.
    y
        Their classes, (n,), indices into the model's space groups.
    names
        Their ids and formulas, n of them, such as ``mp-149 Si``.
    n_groups
        The number of classes.
    spread
        By how much a cosine must be smaller for e times fewer votes.
    weight
        What the votes weigh, from 0 to 1.

    Raises
    ------
    ValueError
        If the numbers do not fit together.
    """

    directions: NDArray[np.int8]
    y: NDArray[np.int64]
    names: tuple[str, ...]
    n_groups: int
    spread: float
    weight: float

    def __post_init__(self) -> None:
        n = self.y.size
        if len(self.directions) != n or len(self.names) != n or not n:
            raise ValueError(
                f"a memory needs a direction, a class and a name for each crystal, got "
                f"{len(self.directions)}, {n} and {len(self.names)}."
            )
        if not self.spread > 0 or not 0 <= self.weight <= 1:
            raise ValueError(
                "the spread of a memory must be above 0 and its weight from 0 to 1, "
                f"got {self.spread} and {self.weight}."
            )
        if self.y.min() < 0 or self.y.max() >= self.n_groups:
            raise ValueError(f"a memory of {self.n_groups} groups has the class "
                             f"{self.y.max()}.")  # fmt: skip

    @cached_property
    def _unit(self) -> Array:
        return jnp.asarray(to_directions(self.directions))

    def join(
        self, log_p: NDArray[np.floating], embeddings: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return log-probabilities with those of the memory joined in, (n, n_groups).

        Parameters
        ----------
        log_p
            Those of the network, (n, n_groups).
        embeddings
            The embeddings of the same PDFs, (n, width).
        """
        votes = np.log(self.votes(embeddings, self.spread) + _FLOOR)
        return _normal((1 - self.weight) * log_p + self.weight * votes)

    def votes(
        self, embeddings: NDArray[np.float32], spread: float
    ) -> NDArray[np.float32]:
        """Return the share of the votes that each group has, (n, n_groups)."""
        belongs = jnp.asarray(np.eye(self.n_groups, dtype=np.float32)[self.y])
        return _in_blocks(lambda e: _votes(e, self._unit, belongs, spread), embeddings)

    def nearest(
        self, embeddings: NDArray[np.float32], k: int = 5
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the places and the cosines of the k most alike, both (n, k)."""
        cosines = _in_blocks(lambda e: _cosines(e, self._unit), embeddings)
        places = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
        return places, np.take_along_axis(cosines, places, axis=1)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that a file of weights holds."""
        names = "\n".join(self.names).encode()
        return {
            "memory/directions": self.directions,
            "memory/y": self.y.astype(np.int16),
            "memory/names": np.frombuffer(names, np.uint8),
        }

    def to_mapping(self) -> dict[str, float]:
        """Return the rest as JSON can hold it."""
        return {"spread": self.spread, "weight": self.weight}

    @classmethod
    def of(
        cls,
        arrays: Mapping[str, NDArray[Any]],
        n_groups: int,
        values: Mapping[str, Any],
    ) -> "Memory":
        """Return the memory of `to_arrays` and `to_mapping`."""
        names = arrays["memory/names"].tobytes().decode().split("\n")
        return cls(
            arrays["memory/directions"], arrays["memory/y"].astype(np.int64),
            tuple(names), n_groups, **values,
        )  # fmt: skip


def to_directions(x: NDArray[Any]) -> NDArray[np.float32]:
    """Return the rows of an array divided by their lengths."""
    x = x.astype(np.float32)
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9)


def remember(
    embeddings: Sequence[NDArray[np.float32]],
    y: NDArray[np.int64],
    names: Sequence[str],
    n_groups: int,
) -> Memory:
    """Return a memory of crystals, not yet fitted.

    Parameters
    ----------
    embeddings
        Their embeddings, (n, width), at different conditions; the direction that is
        kept is the mean.
    y
        Their classes, (n,).
    names
        Their names, n of them.
    n_groups
        The number of classes.
    """
    mean = to_directions(np.sum([to_directions(e) for e in embeddings], axis=0))
    kept = np.round(127 / np.abs(mean).max() * mean).astype(np.int8)
    return Memory(kept, y, tuple(names), n_groups, spread=0.04, weight=0.5)


def fit(
    memory: Memory,
    log_p: NDArray[np.floating],
    embeddings: NDArray[np.float32],
    y: NDArray[np.int64],
) -> Memory:
    """Return the memory with the spread and weight that suit some PDFs best.

    Parameters
    ----------
    memory
        The memory.
    log_p
        The log-probabilities of the network, (n, n_groups), for PDFs of crystals that
        neither has learned from.
    embeddings
        Their embeddings, (n, width).
    y
        Their classes, (n,).
    """
    best = (np.inf, 0.0, 0.0)
    for spread in SPREADS:
        votes = np.log(memory.votes(embeddings, spread) + _FLOOR)

        def loss(weight: float, votes: NDArray[np.float32] = votes) -> float:
            mixed = _normal((1 - weight) * log_p + weight * votes)
            return -float(mixed[np.arange(y.size), y].mean(dtype=np.float64))

        found = minimize_scalar(loss, bounds=(0, 1), method="bounded")
        best = min(best, (float(found.fun), spread, round(float(found.x), 4)))
    return replace(memory, spread=best[1], weight=best[2])


def fit_head(
    embeddings: Sequence[NDArray[np.float32]], y: NDArray[np.int64], n_groups: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return kernel, (width, n_groups), and bias of the best linear layer for groups.

    It is that of multinomial logistic regression, with a little decay.

    Parameters
    ----------
    embeddings
        The embeddings of crystals, (n, width), at different conditions.
    y
        Their classes, (n,).
    n_groups
        The number of classes.
    """
    x = [jnp.asarray(e) for e in embeddings]
    classes, width = jnp.asarray(y), embeddings[0].shape[1]

    @jax.jit
    @jax.value_and_grad
    def loss(flat: Array) -> Array:
        kernel, bias = jnp.split(flat, [width * n_groups])
        kernel = kernel.reshape(width, n_groups)
        each = jnp.arange(classes.size)
        parts = [jax.nn.log_softmax(e @ kernel + bias)[each, classes] for e in x]
        return _DECAY * jnp.sum(kernel**2) - jnp.mean(jnp.stack(parts))

    def of(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        value, gradient = loss(jnp.asarray(flat, jnp.float32))
        return float(value), np.asarray(gradient, np.float64)

    start = np.zeros((width + 1) * n_groups)
    found = minimize(of, start, jac=True, method="L-BFGS-B", options={"maxiter": 200})
    flat = found.x.astype(np.float32)
    return flat[: width * n_groups].reshape(width, n_groups), flat[width * n_groups :]


def _normal(log_p: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.asarray(jax.nn.log_softmax(jnp.asarray(log_p, jnp.float32)))


def _in_blocks(function: Any, x: NDArray[np.float32]) -> NDArray[np.float32]:
    blocks = [x[i : i + _BLOCK] for i in range(0, len(x), _BLOCK)]
    return np.concatenate([np.asarray(function(jnp.asarray(b))) for b in blocks])


@jax.jit
def _cosines(embeddings: Array, unit: Array) -> Array:
    length = jnp.linalg.norm(embeddings, axis=1, keepdims=True)
    return (embeddings / jnp.maximum(length, 1e-9)) @ unit.T


@jax.jit
def _votes(embeddings: Array, unit: Array, belongs: Array, spread: float) -> Array:
    cosines = _cosines(embeddings, unit)
    w = jnp.exp((cosines - cosines.max(axis=1, keepdims=True)) / spread)
    votes = w @ belongs
    return votes / votes.sum(axis=1, keepdims=True)
