"""Neighbours: the training crystals whose embeddings are nearest."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gromega._util.parallel import in_threads
from gromega.crystals.composition import Compositions
from gromega.crystals.formula import display_formula
from gromega.networks.logits import log_softmax

SPREADS = (0.02, 0.025, 0.03, 0.035, 0.04, 0.05, 0.06, 0.08, 0.1, 0.14)
"""The spreads that a fit tries; below the least, weights may overflow."""
FLOOR = 1e-3
"""The share that is added to those of the weights, see `Neighbours`."""
_BLOCK = 128
_CHUNK = 1024  # crystals whose directions and weights fit into a core's cache
ALIKE = 0.8
"""The cosine from which on most crystals have the structure type of the PDF's."""
# The least log-weights, see `Compositions`: of a composition that is similar to that of
# any crystal, and of a crystal that counts as similar as the most similar one.
_SIMILAR, _AS_SIMILAR = -6.0, -3.0


@dataclass(frozen=True)
class Neighbour:
    """A training crystal near a PDF.

    Parameters
    ----------
    id, formula, number
        The id, the formula as chemists write it, and the space group number.
    similarity
        The cosine between its embedding and that of the PDF, at most 1.
    """

    id: str
    formula: str
    number: int
    similarity: float


@dataclass(frozen=True)
class NeighbourResult:
    """Log-probabilities, (n, n_groups), of PDFs with their neighbours.

    The neighbours are the k crystals with the largest weights, the largest first, with
    their cosines. The gap is the largest cosine of all crystals less that of crystals
    with a similar composition; it is 0 without k or compositions.
    """

    log_p: NDArray[np.float32]  # of network and neighbours together
    network: NDArray[np.float32]  # log-probabilities of the network alone
    log_shares: NDArray[np.float32]  # log(q + 0.001), see `Neighbours`
    embeddings: NDArray[np.float32]  # (n, width)
    # The soft maximum of the cosines, spread log Σ w_i, (n,).
    familiarity: NDArray[np.float32]
    indices: NDArray[np.int64]  # (n, k)
    similarity: NDArray[np.float32]  # (n, k)
    gap: NDArray[np.float32]  # (n,)
    nearest: NDArray[np.float32]  # the largest cosine of all crystals, (n,)
    n_alike: NDArray[np.int64]  # crystals with a cosine of at least `ALIKE`, (n,)
    # The score of being unlike the PDFs of all crystals, (n,); most have one below 0.
    unlike: NDArray[np.float32]

    @classmethod
    def without_neighbours(cls, log_p: NDArray[np.float32]) -> "NeighbourResult":
        """Return the result of a network that has no neighbours."""
        none, zero = np.zeros((len(log_p), 0), np.float32), 0 * log_p[:, 0]
        whole = none.astype(np.int64)
        return cls(
            log_p, log_p, log_p, none, zero, whole, none, zero, zero,
            zero.astype(np.int64), zero,
        )  # fmt: skip

    def rows(self, rows: NDArray[np.bool_]) -> "NeighbourResult":
        """Return the result of some PDFs."""
        return NeighbourResult(*(getattr(self, f.name)[rows] for f in fields(self)))


@dataclass(frozen=True, repr=False)
class Neighbours:
    """Training crystals as directions, with weights by their similarity to a PDF.

    A network is right for nearly all crystals of its training, but for far fewer of
    their variants with other elements. The angle between the embeddings of two PDFs,
    along the principal components of the crystals, is a better measure of their
    similarity. Direction i has the weight w_i = exp(s_i / spread), where s_i is the
    cosine of the angle between it and that of the PDF; with the share q of the weights
    of each group,

        log p = (1 - weight) log p_network + weight log(q + 0.001),

    normalised: nearest neighbours as in Khandelwal et al. (2020), but for the
    logarithms. With the composition, crystals of other compositions have smaller
    weights (`composition.Compositions`), and spread and weight differ.

    A ValueError is raised if the sizes do not match, or a number is out of range.
    """

    components: NDArray[np.float16]  # of embeddings, (width, k)
    # Of all n crystals for one radiation, and so on for m radiations, (m n, k), in
    # steps and up to a factor.
    directions: NDArray[np.int8]
    steps: NDArray[np.float32]  # the value of one level of each component, (k,)
    y: NDArray[np.int64]  # classes, (n,)
    names: tuple[str, ...]  # ids and formulas, such as "mp-149 Si"
    n_groups: int
    spread: float  # the decrease of the cosine that makes a weight e times smaller
    weight: float  # against the network, from 0 to 1
    # The spread and weight with the composition; None if it is not used.
    with_composition: tuple[float, float] | None = None
    # The coefficients of the score of unlike PDFs, (k + 2,); None if it is not fitted:
    # a constant, and slopes for the largest cosine and each component.
    unlike: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        n = self.y.size
        m = len(self.directions) / max(n, 1)
        if m < 1 or m % 1 or len(self.names) != n:
            raise ValueError(
                f"neighbours need directions, a class and a name for each crystal, got "
                f"{len(self.directions)}, {n} and {len(self.names)}."
            )
        for spread, weight in filter(
            None, ((self.spread, self.weight), self.with_composition)
        ):
            if not spread >= SPREADS[0] or not 0 <= weight <= 1:
                raise ValueError(
                    f"the spread of neighbours must be {SPREADS[0]} or more and their "
                    f"weight from 0 to 1, got {spread} and {weight}."
                )
        if self.y.min() < 0 or self.y.max() >= self.n_groups:
            raise ValueError(
                f"the classes of neighbours must be from 0 to {self.n_groups - 1}, got "
                f"{self.y.min()} to {self.y.max()}."
            )

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the crystals, (n,)."""
        return tuple(name.rpartition(" ")[0] for name in self.names)

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        """The indices of the crystals, class by class."""
        return np.argsort(self.y, kind="stable")

    @cached_property
    def _chunks(self) -> list[tuple[NDArray[Any], ...]]:
        """The crystals, class by class, some at a time.

        Each chunk has the directions of c crystals, (k, m c), their different classes,
        and where in the chunk each class starts.
        """
        directions = to_directions(self.directions * self.steps)
        by_radiation = directions.reshape(-1, self.y.size, directions.shape[1])
        return [
            (
                np.ascontiguousarray(np.concatenate(by_radiation[:, rows]).T),
                *np.unique(self.y[rows], return_index=True),
            )
            for rows in np.split(self._order, range(_CHUNK, self.y.size, _CHUNK))
        ]

    @cached_property
    def _compositions(self) -> Compositions:
        """The compositions of the crystals, class by class."""
        return Compositions([self.names[i].rpartition(" ")[2] for i in self._order])

    def has_similar(self, composition: str) -> bool:
        """Return whether any crystal has a similar composition."""
        return bool(self._compositions.log_weights(composition).max() >= _SIMILAR)

    def n_of_ratios(self, compositions: Sequence[str]) -> NDArray[np.int64]:
        """Return the numbers of crystals with the ratios of each composition, (n,)."""
        found = {each: self._compositions.n_of_ratios(each) for each in {*compositions}}
        return np.array([found[each] for each in compositions])

    def query(
        self,
        log_p: NDArray[np.floating],
        embeddings: NDArray[np.float32],
        k: int,
        compositions: Sequence[str] | None = None,
    ) -> NeighbourResult:
        """Return log-probabilities of the network and the neighbours together.

        The network's log-probabilities, (n, n_groups), the embeddings, (n, width), and
        the compositions, if used, are of the same PDFs; k crystals are named.
        """
        spread, weight = self.spread, self.weight
        if compositions is not None:
            assert self.with_composition is not None
            spread, weight = self.with_composition
        shares, *rest = self._search(embeddings, spread, k, compositions)
        log_shares = np.log(shares + np.float32(FLOOR))
        mixed = normalised((1 - weight) * log_p + weight * log_shares)
        network = log_p.astype(np.float32)
        return NeighbourResult(mixed, network, log_shares, embeddings, *rest)

    def weights(
        self,
        embeddings: NDArray[np.float32],
        spread: float,
        compositions: Sequence[str] | None = None,
    ) -> NDArray[np.float32]:
        """Return the share of the weights of each group, (n, n_groups)."""
        return self._search(embeddings, spread, 0, compositions)[0]

    def named(
        self, result: NeighbourResult, row: int, space_groups: NDArray[np.int64]
    ) -> tuple[Neighbour, ...]:
        """Return the neighbours of one PDF of a result."""
        neighbours = []
        pairs = zip(result.indices[row], result.similarity[row], strict=True)
        for i, similarity in pairs:
            # An id may contain spaces, a formula does not.
            name, _, formula = self.names[i].rpartition(" ")
            number = int(space_groups[self.y[i]])
            shown = display_formula(formula)
            neighbours.append(Neighbour(name, shown, number, float(similarity)))
        return tuple(neighbours)

    def _search(
        self,
        embeddings: NDArray[np.float32],
        spread: float,
        k: int,
        compositions: Sequence[str] | None = None,
    ) -> tuple[NDArray[Any], ...]:
        """Return the shares of the weights, and the rest of `NeighbourResult`."""
        k = min(k, self.y.size)

        def search(rows: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
            log_weights = None
            if compositions is not None:
                log_weights = self._log_weights([compositions[i] for i in rows])
            return self._search_block(embeddings[rows], spread, k, log_weights)

        blocks = in_threads(search, np.arange(len(embeddings)), _BLOCK)
        return tuple(map(np.concatenate, zip(*blocks, strict=True)))

    def _log_weights(self, compositions: Sequence[str]) -> NDArray[np.float32]:
        """Return log-weights, (n, n_crystals), class by class, at most 0."""
        found = {each: self._compositions.log_weights(each) for each in {*compositions}}
        highest = {each: weights.max() for each, weights in found.items()}
        return np.stack([found[each] - highest[each] for each in compositions])

    def _search_block(
        self,
        embeddings: NDArray[np.float32],
        spread: float,
        k: int,
        log_weights: NDArray[np.float32] | None,
    ) -> tuple[NDArray[Any], ...]:
        direction = self.along(embeddings)
        along = direction / np.float32(spread)
        n, radiations = len(along), len(self.directions) // self.y.size
        shares = np.zeros((n, self.n_groups), np.float32)
        # Of each crystal, for the radiation that makes it more similar.
        similarity = np.empty((n, self.y.size if k else 0), np.float32)
        nearest = np.full(n, -np.inf, np.float32)
        stop = 0
        for directions, classes, starts in self._chunks:
            w = along @ directions
            np.maximum(nearest, w.max(axis=1), out=nearest)
            by_radiation = w.reshape(n, radiations, -1)
            start, stop = stop, stop + by_radiation.shape[2]
            if log_weights is not None:
                by_radiation += log_weights[:, None, start:stop]
            if k:
                np.max(by_radiation, axis=1, out=similarity[:, start:stop])
            np.exp(w, out=w)
            sums = np.add.reduceat(by_radiation, starts, axis=2)
            shares[:, classes] += sums.sum(axis=1)
        total = shares.sum(axis=1, keepdims=True)
        shares /= total
        scale = np.float32(spread)
        familiarity = scale * np.log(total[:, 0])
        gap, n_alike, unlike = np.zeros((3, n), np.float32)
        if k:
            bare = similarity if log_weights is None else similarity - log_weights
            n_alike = np.count_nonzero(bare >= np.float32(ALIKE) / scale, axis=1)
            if log_weights is not None:
                of_similar = np.where(log_weights >= _AS_SIMILAR, bare, -np.inf)
                gap = bare.max(axis=1) - of_similar.max(axis=1)
        if self.unlike is not None:
            x = np.column_stack([nearest * scale, direction])
            unlike = self.unlike[0] + x @ self.unlike[1:]
        most, cosines = _take_largest(similarity, k)
        if log_weights is not None:
            cosines -= np.take_along_axis(log_weights, most, axis=1)
        return (
            shares, familiarity, self._order[most], cosines * scale, gap * scale,
            nearest * scale, n_alike.astype(np.int64), unlike,
        )  # fmt: skip

    def along(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the directions of embeddings along the components, (n, k)."""
        return to_directions(embeddings @ self.components.astype(np.float32))

    def to_mapping(self) -> dict[str, Any]:
        """Return the rest as a JSON object."""
        values: dict[str, Any] = {"spread": self.spread, "weight": self.weight}
        if self.with_composition:
            values["with_composition"] = list(self.with_composition)
        return values


def to_directions(x: NDArray[Any]) -> NDArray[np.float32]:
    """Return the rows of an array divided by their lengths."""
    x = x.astype(np.float32)
    lengths = np.linalg.norm(x, axis=1, keepdims=True)
    directions: NDArray[np.float32] = x / np.maximum(lengths, 1e-9)
    return directions


def _take_largest(
    x: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return indices and values of the k largest of each row, the largest first.

    They are replaced by -∞ in x. For a few of many this is faster than a partition.
    """
    rows = np.arange(len(x))
    indices = np.empty((len(x), k), np.int64)
    values = np.empty((len(x), k), np.float32)
    for j in range(k):
        indices[:, j] = x.argmax(axis=1)
        values[:, j] = x[rows, indices[:, j]]
        x[rows, indices[:, j]] = -np.inf
    return indices, values


def normalised(log_p: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return normalised log-probabilities, in single precision."""
    return log_softmax(log_p).astype(np.float32)
