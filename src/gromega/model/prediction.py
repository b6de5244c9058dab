"""Predictions: the space groups of one measured PDF, and what supports them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gromega.conditions import Conditions
from gromega.model.candidates import Candidate
from gromega.model.cell_size import CellSize
from gromega.model.familiarity import Familiarity
from gromega.model.hierarchy import Hierarchy
from gromega.model.importance import Importance
from gromega.model.matches import Matches
from gromega.model.neighbours import Neighbour
from gromega.model.other_groups import OtherGroupProbability
from gromega.model.prediction_text import to_html, to_text
from gromega.model.reliability import Reliability
from gromega.model.verdict import Verdict

FORMAT = "gromega prediction 1"
"""The format of the JSON. The number rises if a key is removed or changes its
meaning; a new key does not change it."""


@dataclass(frozen=True)
class Prediction:
    """The prediction for one measured PDF.

    Parameters
    ----------
    verdict
        How far the first group can be relied on.
    groups
        The space groups of the model, the most probable first.
    coverage
        The coverage of the prediction set: the share of PDFs at conditions of the
        model's box whose sets contain the true group; None without calibration.
    systems
        The probability of each crystal system, the most probable first.
    neighbours
        The training crystals with the largest weights, the largest first: those of
        the highest similarity, and of similar composition if one was used.
    conditions
        The conditions of the PDF: from the file or the caller, or else those of the
        reference.
    reliability
        The accuracy on test crystals at these conditions; None if it is unknown.
    notes
        The reasons for caution, a sentence each.
    importance
        The importance of each r for the first group; None if not asked for.
    matches
        The known crystals that fit best; None if not asked for, or without a library.
    composition
        The composition that was used; None if none was.
    assumed
        The names of conditions that neither the file nor the caller stated.
    other_groups
        The probability of groups outside the model's; None if it is unknown.
    familiarity
        Whether known structures are like it; None of a model that was not calibrated
        for known and new structure types.
    hierarchy
        The probabilities of Bravais lattices, Laue classes and inversion centres.
    cell_size
        The size of the primitive cell; None of models up to v2.0, which do not know it.
    """

    verdict: Verdict
    groups: tuple[Candidate, ...]
    coverage: float | None
    systems: Mapping[str, float]
    neighbours: tuple[Neighbour, ...]
    conditions: Conditions
    reliability: Reliability | None = None
    notes: tuple[str, ...] = ()
    importance: Importance | None = None
    matches: Matches | None = None
    composition: str | None = None
    assumed: tuple[str, ...] = ()
    other_groups: OtherGroupProbability | None = None
    familiarity: Familiarity | None = None
    hierarchy: Hierarchy | None = None
    cell_size: CellSize | None = None

    def to_mapping(self) -> dict[str, Any]:
        """Return the prediction as a JSON object of `FORMAT`.

        Curves have five digits.
        """
        values = {"format": FORMAT, **asdict(self)}
        values["conditions"] = self.conditions.to_mapping()
        for match in values["matches"]["best"] if self.matches else ():
            match["rw"] = round(match["rw"], 4)
        rounded: dict[str, Any] = _without_arrays(values)
        return rounded

    def __str__(self) -> str:
        return to_text(self)

    def _repr_html_(self) -> str:
        return to_html(self)


def _without_arrays(value: Any) -> Any:
    """Return a JSON value with lists of numbers of five digits for arrays."""
    if isinstance(value, np.ndarray):
        return [float(f"{x:.5g}") for x in value.tolist()]
    if isinstance(value, dict):
        return {key: _without_arrays(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_without_arrays(each) for each in value)
    return value
