"""Familiarity: whether the structure type of a PDF is known or new.

A structure type is known if training crystals have it. A model is right far more often
for known types than for new ones, and at the same probability it is too sure of the
new ones. So each case has a calibration of its own.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gromega.model.neighbours import NeighbourResult
from gromega.model.other_groups import entropy
from gromega.networks.logits import log_softmax

_ODDS = ("log_odds", "share_log_odds")
UNSURE, KNOWN, NEW = "unsure", "known", "new"
STRUCTURE_TYPES = (UNSURE, KNOWN, NEW)
"""What the user may state about the structure type."""


def check_structure_type(stated: str) -> None:
    """Raise ValueError if a statement is none of `STRUCTURE_TYPES`."""
    if stated not in STRUCTURE_TYPES:
        raise ValueError(
            f"the structure type must be {' or '.join(STRUCTURE_TYPES)}, got "
            f"{stated!r}."
        )


@dataclass(frozen=True)
class Familiarity:
    """Whether known structures are like a PDF, and what to expect in both cases.

    Parameters
    ----------
    structure_type
        The statement of the user: unsure, known or new.
    p_new
        The probability that the structure type is new, before that statement.
    share_new
        The share of new structure types among the crystals of the calibration, which
        this probability assumes.
    similarity, n_alike
        The highest similarity of a training crystal, and the number of them that are
        at least 0.8 similar.
    if_known, if_new
        The probability of the first group if the structure type is known, or new.
    unlike
        Whether the PDF is unlike those of all crystals.
    """

    structure_type: str
    p_new: float
    share_new: float
    similarity: float
    n_alike: int
    if_known: float
    if_new: float
    unlike: bool

    def lines(self) -> Iterator[str]:
        """Yield a line for each fact."""
        like = "no known structure is like it"
        if self.n_alike:
            plural = "structures" if self.n_alike > 1 else "structure"
            like = f"like {self.n_alike:,} known {plural}"
        word = "familiar" if self.n_alike and self.p_new < 0.5 else "unfamiliar"
        yield f"{word}: {like} (similarity {self.similarity:.2f})"
        if self.structure_type == UNSURE:
            yield f"new structure type: {100 * self.p_new:.0f} %"
        else:
            yield f"structure type stated as {self.structure_type}"
        yield f"if the structure type is known, expect {_of_ten(self.if_known)} right"
        yield f"if the structure type is new, expect {_of_ten(self.if_new)} right"


def _of_ten(share: float) -> str:
    return f"{10 * share:.0f} of 10"


@dataclass(frozen=True)
class Case:
    """The calibration for PDFs of known, or of new, structure types.

    A ValueError is raised if the weight is not from 0 to 1, or the temperature is not
    above 0.
    """

    weight: float  # of the neighbours against the network
    temperature: float
    conformal: dict[str, float]  # the thresholds by coverage, such as "0.90"

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 1:
            raise ValueError(f"a weight must be from 0 to 1, got {self.weight}.")
        if not 0 < self.temperature < math.inf:
            raise ValueError(
                f"temperature must be above 0 and finite, got {self.temperature}."
            )

    def log_p(self, result: NeighbourResult) -> NDArray[np.float64]:
        """Return the log-probabilities of this case, (n, n_groups)."""
        return mixed(result, self.weight, self.temperature)


@dataclass(frozen=True)
class FamiliarityFit:
    """The calibration of both cases, and the probability of a new structure type.

    Its log-odds, and those of the share of the case of new types if the user is unsure,
    are linear in the columns of `features`.
    """

    known: Case
    new: Case
    conformal: dict[str, float]  # the thresholds if the case is unknown
    log_odds: tuple[float, ...]  # the constant, and one slope for each feature
    share: float  # of new structure types in the fit, which the odds assume
    n: int  # PDFs of new structure types in the fit
    # As `log_odds`, of the share in the mixture. Models up to v2.1.0 have none: their
    # share is the probability of a new type.
    share_log_odds: tuple[float, ...] | None = None

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "FamiliarityFit":
        """Return the fit of a mapping.

        A KeyError or TypeError is raised if keys are missing or unknown.
        """
        cases = {name: Case(**values[name]) for name in (KNOWN, NEW)}
        odds = {name: tuple(values[name]) for name in _ODDS if values.get(name)}
        return cls(**{**values, **cases, **odds})

    def thresholds(self, structure_type: str) -> dict[str, float]:
        """Return the thresholds of prediction sets by coverage."""
        case = {KNOWN: self.known, NEW: self.new}.get(structure_type, self)
        return case.conformal

    def p_new(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability of a new structure type by `features`, (n,)."""
        return _probability(x, self.log_odds)

    def cases(
        self, result: NeighbourResult, x: NDArray[np.float64]
    ) -> dict[str, NDArray[np.floating]]:
        """Return the log-probabilities, (n, n_groups), for each of `STRUCTURE_TYPES`.

        If the user is unsure, they are those of a mixture of both cases. Its share of
        new types depends on the `features` x as the probability of a new type does, but
        makes the correct groups of the fit most probable: at the same features, PDFs of
        new types can be predicted with other success than new types are on average.
        """
        known, new = self.known.log_p(result), self.new.log_p(result)
        share = _probability(x, self.share_log_odds or self.log_odds)
        return {KNOWN: known, NEW: new, UNSURE: mixture(known, new, share)}


def _probability(
    x: NDArray[np.float64], log_odds: tuple[float, ...]
) -> NDArray[np.float64]:
    constant, *slopes = log_odds
    return np.asarray(1 / (1 + np.exp(-constant - x @ np.array(slopes))))


def mixture(
    known: NDArray[np.float64], new: NDArray[np.float64], share: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return log((1 - share) p_known + share p_new), (n, n_groups)."""
    p = share[:, None]
    with np.errstate(divide="ignore"):
        return np.logaddexp(np.log1p(-p) + known, np.log(p) + new)


def mixed(
    result: NeighbourResult, weight: float, temperature: float
) -> NDArray[np.float64]:
    """Return log-probabilities with another weight of the neighbours, (n, n_groups)."""
    network, log_shares = (
        each.astype(np.float64) for each in (result.network, result.log_shares)
    )
    both = (1 - weight) * network + weight * log_shares
    return log_softmax(both / temperature)


def features(
    result: NeighbourResult,
    log_p: ArrayLike,
    n_of_ratios: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Return the features that tell new structure types from known ones, (n, 3 or 5).

    They are the familiarity, the entropy and the logarithm of the confidence and, with
    the composition, log(1 + n) and whether n = 0 of the number n of training crystals
    with the same ratios of elements.

    Parameters
    ----------
    log_p
        The calibrated log-probabilities, (n, n_groups), that are not those of a case.
    n_of_ratios
        The numbers n, (n,).
    """
    log_p = np.asarray(log_p, np.float64)
    columns = [result.familiarity, entropy(log_p), log_p.max(axis=1)]
    if n_of_ratios is not None:
        columns += [np.log1p(n_of_ratios), n_of_ratios == 0]
    return np.stack(columns, axis=1).astype(np.float64)
