"""Predictions: the space groups of one measured PDF, and what supports them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gromega.conditions import Conditions
from gromega.model import messages
from gromega.model.candidates import Candidate
from gromega.model.importance import Importance
from gromega.model.matches import Matches
from gromega.model.neighbours import Neighbour
from gromega.model.other_groups import OtherGroupProbability
from gromega.model.reliability import Reliability


@dataclass(frozen=True)
class Prediction:
    """The prediction for one measured PDF.

    Parameters
    ----------
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
    """

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

    def to_mapping(self) -> dict[str, Any]:
        """Return the prediction as a JSON object; curves have five digits."""
        values = asdict(self)
        values["conditions"] = self.conditions.to_mapping()
        for match in values["matches"]["best"] if self.matches else ():
            match["rw"] = round(match["rw"], 4)
        rounded: dict[str, Any] = _without_arrays(values)
        return rounded

    def __str__(self) -> str:
        return "\n".join([*messages.text_table(self.groups), *self._lines()])

    def _repr_html_(self) -> str:
        """Return the first groups, the lines of the text, and a figure, for Jupyter."""
        table, lines = messages.html_table(self.groups), self._lines()
        figure = ""
        if self.importance:
            # Matplotlib takes a second to import: predictions do without it.
            from gromega._util.plotting import to_svg
            from gromega.model.prediction_figure import prediction_figure

            svg = to_svg(prediction_figure(self.groups, self.importance, self.matches))
            figure = svg[svg.index("<svg") :]
        return table + messages.html_paragraphs(lines) + figure

    def _lines(self) -> list[str]:
        """Return the lines below the table."""
        lines = [
            messages.set_line(self.groups, self.coverage, self.other_groups),
            messages.systems_line(self.systems),
            f"composition used: {self.composition}" if self.composition else "",
            messages.neighbour_line(self.neighbours, self.composition),
            messages.match_line(self.matches),
            messages.importance_line(self.importance, self.groups[0]),
            messages.reliability_line(
                self.reliability, self.conditions, self.assumed, self.composition
            ),
            *(f"note: {note}" for note in self.notes),
        ]
        return [line for line in lines if line]


def _without_arrays(value: Any) -> Any:
    """Return a JSON value with lists of numbers of five digits for arrays."""
    if isinstance(value, np.ndarray):
        return [float(f"{x:.5g}") for x in value.tolist()]
    if isinstance(value, dict):
        return {key: _without_arrays(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_without_arrays(each) for each in value)
    return value
