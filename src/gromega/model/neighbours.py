"""Neighbours: the training crystals whose embeddings are nearest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gromega._util.threads import in_threads
from gromega.crystals.composition import Compositions
from gromega.networks.logits import log_softmax
from gromega.networks.quantize import (
    pack_halves,
    pack_names,
    unpack_halves,
    unpack_names,
)

SPREADS = (0.02, 0.025, 0.03, 0.035, 0.04, 0.05, 0.06, 0.08, 0.1, 0.14)
"""The spreads that `fit_neighbours` tries; below the least, votes may be too many for
a float."""
COMPONENTS = 128
"""The principal components that are kept: more add nothing to the accuracy."""
# The largest whole number of a direction: two of them fill a byte.
_LEVELS = 7
# Near what rounds a normal distribution to so many levels best, over its standard
# deviation (Max, IRE Trans. Inf. Theory 6 (1960) 7).
_STEP = 0.36
_FLOOR = 1e-3
_BLOCK = 128
# The least log-weights, see `Compositions`, by which a composition is known at all, and
# by which a crystal is as like it as the most like one.
_KNOWN, _LIKE = -6.0, -3.0


@dataclass(frozen=True)
class Neighbour:
    """A training crystal near a PDF.

    Parameters
    ----------
    id
        The id.
    formula
        The formula, as chemists write it.
    number
        The space group number.
    similarity
        The cosine between its embedding and that of the PDF, at most 1.
    """

    id: str
    formula: str
    number: int
    similarity: float


@dataclass(frozen=True, repr=False)
class Neighbours:
    """Neighbour crystals as directions, each of which votes for its space group.

    A network of a few million weights forgets most of what it has seen. How like two
    PDFs are it judges much better, by the angle between their embeddings, as seen
    along the principal components of the crystals. So direction i has w_i =
    exp(s_i / spread) votes, s_i being the cosine of the angle between it and that of
    the PDF, and with the share q of the votes,

        log p = (1 - weight) log p_network + weight log(q + 0.001),

    up to what makes the sum of p one: a nearest-neighbour memory as in Khandelwal et
    al. (2020), but for the logarithms. Where the composition is known too, crystals of
    another one have fewer votes (`composition.Compositions`), and spread and weight are
    others.

    Parameters
    ----------
    components
        The components of an embedding, (width, k), that directions are made of.
    directions
        The directions of the crystals, (m n, k), int8, in `steps` and up to a factor:
        of all n as one radiation sees them, and so on for m radiations.
    steps
        What a 1 of each component is, (k,).
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
    with_composition
        Spread and weight where the composition is known; None of a memory that makes
        no use of it.

    Raises
    ------
    ValueError
        If the numbers do not fit_neighbours together.
    """

    components: NDArray[np.float16]
    directions: NDArray[np.int8]
    steps: NDArray[np.float32]
    y: NDArray[np.int64]
    names: tuple[str, ...]
    n_groups: int
    spread: float
    weight: float
    with_composition: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        n = self.y.size
        m = len(self.directions) / max(n, 1)
        if m < 1 or m % 1 or len(self.names) != n:
            raise ValueError(
                f"a memory needs directions, a class and a name for each crystal, got "
                f"{len(self.directions)}, {n} and {len(self.names)}."
            )
        for spread, weight in filter(
            None, ((self.spread, self.weight), self.with_composition)
        ):
            if not spread >= SPREADS[0] or not 0 <= weight <= 1:
                raise ValueError(
                    f"the spread of a memory must be {SPREADS[0]} or more and its "
                    f"weight from 0 to 1, got {spread} and {weight}."
                )
        if self.y.min() < 0 or self.y.max() >= self.n_groups:
            raise ValueError(f"a memory of {self.n_groups} groups has the class "
                             f"{self.y.max()}.")  # fmt: skip

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        """The places of the crystals, class by class."""
        return np.argsort(self.y, kind="stable")

    @cached_property
    def _by_class(self) -> list[NDArray[np.float32]]:
        """The directions of the crystals of each class, (k, m n), each a column."""
        known = to_directions(self.directions * self.steps)
        y = np.resize(self.y, len(known))
        return [np.ascontiguousarray(known[y == c].T) for c in range(self.n_groups)]

    @cached_property
    def _compositions(self) -> Compositions:
        """The compositions of the crystals, class by class."""
        return Compositions([self.names[i].rpartition(" ")[2] for i in self._order])

    def knows(self, composition: str) -> bool:
        """Return whether any of the crystals is of a like composition."""
        return bool(self._compositions.log_weights(composition).max() >= _KNOWN)

    def query(
        self,
        log_p: NDArray[np.floating],
        embeddings: NDArray[np.float32],
        k: int,
        compositions: Sequence[str] | None = None,
    ) -> "NeighbourResult":
        """Return log-probabilities with those of the memory joined in, and `nearest`.

        Parameters
        ----------
        log_p
            Those of the network, (n, n_groups).
        embeddings
            The embeddings of the same PDFs, (n, width).
        k
            The number of crystals that are named.
        compositions
            The compositions of the same, n of them, if they are known and the memory
            makes use of them.
        """
        spread, weight = self.spread, self.weight
        if compositions is not None:
            assert self.with_composition is not None
            spread, weight = self.with_composition
        votes, *rest = self._look(embeddings, spread, k, compositions)
        votes = np.log(votes + _FLOOR)
        return NeighbourResult(_normal((1 - weight) * log_p + weight * votes), *rest)

    def votes(
        self,
        embeddings: NDArray[np.float32],
        spread: float,
        compositions: Sequence[str] | None = None,
    ) -> NDArray[np.float32]:
        """Return the share of the votes that each group has, (n, n_groups)."""
        return self._look(embeddings, spread, 0, compositions)[0]

    def nearest(
        self, embeddings: NDArray[np.float32], k: int = 5
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the places and the cosines of the k most alike, both (n, k)."""
        _, places, cosines, _ = self._look(embeddings, self.spread, k)
        return places, cosines

    def _look(
        self,
        embeddings: NDArray[np.float32],
        spread: float,
        k: int,
        compositions: Sequence[str] | None = None,
    ) -> tuple[NDArray[Any], ...]:
        """Return votes, and the rest of `NeighbourResult`."""
        k = min(k, self.y.size)

        def look_at(rows: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
            likely = None
            if compositions is not None:
                likely = self._likely([compositions[i] for i in rows])
            return self._look_at(embeddings[rows], spread, k, likely)

        blocks = in_threads(look_at, np.arange(len(embeddings)), _BLOCK)
        return tuple(map(np.concatenate, zip(*blocks, strict=True)))

    def _likely(self, compositions: Sequence[str]) -> NDArray[np.float32]:
        """Return the log-weights of the crystals, class by class, (n, n_crystals).

        Those of the crystals that are most like each composition are 0.
        """
        found: dict[str, NDArray[np.float32]] = {}
        for formula in compositions:
            if formula not in found:
                weights = self._compositions.log_weights(formula)
                found[formula] = weights - weights.max()
        return np.stack([found[formula] for formula in compositions])

    def _look_at(
        self,
        embeddings: NDArray[np.float32],
        spread: float,
        k: int,
        likely: NDArray[np.float32] | None,
    ) -> tuple[NDArray[Any], ...]:
        along = to_directions(embeddings @ self.components.astype(np.float32))
        along /= np.float32(spread)
        n, radiations = len(along), len(self.directions) // self.y.size
        votes = np.empty((n, self.n_groups), np.float32)
        # Of each crystal, as the radiation sees it that makes it more alike.
        alike = np.empty((n, self.y.size if k else 0), np.float32)
        stop = 0
        # A class at a time, which the cache of a core holds.
        for c, directions in enumerate(self._by_class):
            w = along @ directions
            seen = w.reshape(n, radiations, -1)
            start, stop = stop, stop + seen.shape[2]
            if likely is not None:
                seen += likely[:, None, start:stop]
            if k:
                np.max(seen, axis=1, out=alike[:, start:stop])
            np.exp(w, out=w)
            w.sum(axis=1, out=votes[:, c])
        votes /= votes.sum(axis=1, keepdims=True)
        gap = np.zeros(n, np.float32)
        if likely is not None and k:
            plain = alike - likely
            of_like = np.where(likely >= _LIKE, plain, -np.inf).max(axis=1)
            gap = plain.max(axis=1) - of_like
        most, cosines = _take_largest(alike, k)
        if likely is not None:
            cosines -= np.take_along_axis(likely, most, axis=1)
        scale = np.float32(spread)
        return votes, self._order[most], cosines * scale, gap * scale

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that a file of weights holds."""
        return {
            "memory/components": self.components,
            "memory/directions": pack_halves(self.directions),
            "memory/steps": self.steps,
            "memory/y": self.y.astype(np.int16),
            "memory/names": pack_names(self.names),
        }

    def to_mapping(self) -> dict[str, Any]:
        """Return the rest as JSON can hold it."""
        values: dict[str, Any] = {"spread": self.spread, "weight": self.weight}
        if self.with_composition:
            values["with_composition"] = list(self.with_composition)
        return values

    @classmethod
    def of(
        cls,
        arrays: Mapping[str, NDArray[Any]],
        n_groups: int,
        values: Mapping[str, Any],
    ) -> "Neighbours":
        """Return the memory of `to_arrays` and `to_mapping`."""
        directions, steps = arrays["memory/directions"], arrays.get("memory/steps")
        if steps is not None:
            directions = unpack_halves(directions, steps.size)
        else:
            # Models of version 1.4 and before have a byte for each number.
            directions, steps = _rounded(to_directions(directions))
        both = None
        if "with_composition" in values:
            spread, weight = values["with_composition"]
            both = float(spread), float(weight)
        return cls(
            arrays["memory/components"], directions, steps,
            arrays["memory/y"].astype(np.int64), unpack_names(arrays["memory/names"]),
            n_groups, values["spread"], values["weight"], both,
        )  # fmt: skip


@dataclass(frozen=True)
class NeighbourResult:
    """What a memory makes of PDFs.

    Parameters
    ----------
    log_p
        Log-probabilities, (n, n_groups).
    places, cosines
        Of the k crystals with most votes, (n, k), the first with the most.
    gap
        By how much the largest cosine of all crystals exceeds that of the crystals of
        like compositions, (n,); 0 without k or compositions.
    """

    log_p: NDArray[np.float32]
    places: NDArray[np.int64]
    cosines: NDArray[np.float32]
    gap: NDArray[np.float32]


def to_directions(x: NDArray[Any]) -> NDArray[np.float32]:
    """Return the rows of an array divided by their lengths."""
    x = x.astype(np.float32)
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9)


def _take_largest(
    x: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return places and values of the k largest of each row, the largest first.

    They are taken out of it: -∞ stays in their places. For a few of many this is faster
    than a partition.
    """
    rows = np.arange(len(x))
    places = np.empty((len(x), k), np.int64)
    values = np.empty((len(x), k), np.float32)
    for j in range(k):
        places[:, j] = x.argmax(axis=1)
        values[:, j] = x[rows, places[:, j]]
        x[rows, places[:, j]] = -np.inf
    return places, values


def build_neighbours(
    embeddings: Sequence[Sequence[NDArray[np.float32]]],
    y: NDArray[np.int64],
    names: Sequence[str],
    n_groups: int,
) -> Neighbours:
    """Return a memory of crystals, not yet fitted.

    Parameters
    ----------
    embeddings
        For each radiation, their embeddings, (n, width), at different conditions; the
        direction that is kept is the mean.
    y
        Their classes, (n,).
    names
        Their names, n of them.
    n_groups
        The number of classes.
    """
    sums = [np.sum([to_directions(e) for e in seen], axis=0) for seen in embeddings]
    mean = to_directions(np.concatenate(sums))
    _, vectors = np.linalg.eigh(mean.T @ mean)
    components = vectors[:, ::-1][:, :COMPONENTS].astype(np.float16)
    kept, steps = _rounded(to_directions(mean @ components.astype(np.float32)))
    return Neighbours(
        components, kept, steps, y, tuple(names), n_groups, spread=0.04, weight=0.5
    )


def _rounded(
    along: NDArray[np.float32],
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return directions as whole numbers, (n, k), and what a 1 of each component is."""
    steps = _STEP * np.sqrt(np.mean(along**2, axis=0)) + np.float32(1e-9)
    whole = np.round(along / steps).clip(-_LEVELS, _LEVELS)
    return whole.astype(np.int8), steps


def fit_neighbours(
    memory: Neighbours,
    log_p: NDArray[np.floating],
    embeddings: NDArray[np.float32],
    y: NDArray[np.int64],
    compositions: Sequence[str],
) -> Neighbours:
    """Return the memory with the spreads and weights that suit some PDFs best.

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
    compositions
        Their compositions, n of them.
    """
    spread, weight = _fit(memory, log_p, embeddings, y, None)
    both = _fit(memory, log_p, embeddings, y, compositions)
    return replace(memory, spread=spread, weight=weight, with_composition=both)


def _fit(
    memory: Neighbours,
    log_p: NDArray[np.floating],
    embeddings: NDArray[np.float32],
    y: NDArray[np.int64],
    compositions: Sequence[str] | None,
) -> tuple[float, float]:
    """Return the spread and weight that suit some PDFs best."""
    # It takes a second to import: what only asks does without.
    from scipy.optimize import minimize_scalar

    best = (np.inf, 0.0, 0.0)
    for spread in SPREADS:
        votes = np.log(memory.votes(embeddings, spread, compositions) + _FLOOR)

        def loss(weight: float, votes: NDArray[np.float32] = votes) -> float:
            mixed = _normal((1 - weight) * log_p + weight * votes)
            return -float(mixed[np.arange(y.size), y].mean(dtype=np.float64))

        found = minimize_scalar(loss, bounds=(0, 1), method="bounded")
        best = min(best, (float(found.fun), spread, round(float(found.x), 4)))
    return best[1], best[2]


def _normal(log_p: NDArray[np.floating]) -> NDArray[np.float32]:
    return log_softmax(log_p).astype(np.float32)
