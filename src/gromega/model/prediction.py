"""Predictions: the space groups of one measured PDF, and what supports them."""

import html
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gromega.conditions import Conditions
from gromega.model.candidates import N_SHOWN, Candidate
from gromega.model.importance import Importance
from gromega.model.matches import Matches
from gromega.model.neighbours import Neighbour
from gromega.model.other_groups import OtherGroupProbability
from gromega.model.reliability import Reliability

FIRST_PEAK = 2.0  # Å; a PDF that begins below this r has all of its peaks
_HEADINGS = ("number", "symbol", "crystal system", "probability")
_RADIATIONS = {"xray": "x-rays", "neutron": "neutrons"}


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
        rows = [
            f"{c.number:4} {c.symbol:10} {c.system:13} {100 * c.probability:5.1f} %"
            for c in self.groups[:N_SHOWN]
        ]
        return "\n".join([*rows, *self._lines()])

    def _repr_html_(self) -> str:
        """Return the first groups, the lines of the text, and a figure, for Jupyter."""
        head = "".join(f"<th>{name}</th>" for name in _HEADINGS)
        rows = "".join(
            f"<tr><td>{c.number}</td><td>{html.escape(c.symbol)}</td>"
            f"<td>{c.system}</td><td>{100 * c.probability:.1f} %</td></tr>"
            for c in self.groups[:N_SHOWN]
        )
        lines = "".join(f"<p>{html.escape(line)}</p>" for line in self._lines())
        figure = ""
        if self.importance:
            # Matplotlib takes a second to import: predictions do without it.
            from gromega._util.plotting import to_svg
            from gromega.model.prediction_figure import prediction_figure

            svg = to_svg(prediction_figure(self.groups, self.importance, self.matches))
            figure = svg[svg.index("<svg") :]
        return f"<table><tr>{head}</tr>{rows}</table>{lines}{figure}"

    def _lines(self) -> Iterator[str]:
        """Yield the lines below the table."""
        if parts := [*self._set_parts()]:
            yield " · ".join(parts)
        systems = [
            f"{name} {_percent(p)}" for name, p in self.systems.items() if p >= 0.005
        ]
        yield f"crystal system: {', '.join(systems)}"
        among = with_it = ""
        if self.composition:
            yield f"composition used: {self.composition}"
            among = f" with a composition like {self.composition}"
            with_it = "the composition, "
        if self.neighbours:
            first = self.neighbours[0]
            yield (
                f"nearest neighbour{among}: {first.formula} ({first.id}, "
                f"{first.number}), similarity {first.similarity:.2f}"
            )
        if self.matches:
            best = self.matches.best[0]
            yield (
                f"best match: {best.formula} ({best.id}, {best.number}), Rw "
                f"{best.rw:.2f} with its cell changed by {100 * best.strain:+.1f} %, "
                f"of {self.matches.n:,} known crystals"
            )
        if self.importance:
            centres = ", ".join(f"{r:.1f}" for r in self.importance.highest())
            near = f"near {centres} Å" if centres else "no single window"
            yield f"most important r for {self.groups[0].number}: {near}"
        if found := self.reliability:
            yield (
                f"reliability: with {with_it}{self._main_conditions()}, top-1 "
                f"{found.top1} and top-6 {found.top6} of {found.n:,} test crystals; "
                f"top-1 {found.alike_top1} and top-6 {found.alike_top6} of the "
                f"{found.n_alike:,} predicted with similar confidence"
            )
        yield from (f"note: {note}" for note in self.notes)

    def _set_parts(self) -> Iterator[str]:
        """Yield the prediction set and the probability of all other groups."""
        if self.coverage is not None:
            numbers = ", ".join(str(c.number) for c in self.groups if c.in_set)
            of = f"(of {len(self.groups)} groups)"
            yield f"{_percent(self.coverage)} prediction set: {numbers} {of}"
        if other := self.other_groups:
            yield (
                f"outside the model's groups: {_percent(other.probability)} (if "
                f"{_percent(other.share)} of all crystals are, as in its data)"
            )

    def _main_conditions(self) -> str:
        """Return the conditions that matter most, marking those that are assumed."""
        omega = self.conditions
        rmin = f"rmin {omega.rmin:.3g} Å, " if omega.rmin > FIRST_PEAK else ""
        texts = {
            "qmax": f"Qmax {omega.qmax:g} Å⁻¹",
            "qdamp": f"Qdamp {omega.qdamp:g} Å⁻¹",
            "rmax": f"{rmin}rmax {omega.rmax:.3g} Å",
            "radiation": _RADIATIONS[omega.radiation],
        }
        return ", ".join(
            text + " (assumed)" * (name in self.assumed) for name, text in texts.items()
        )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _without_arrays(value: Any) -> Any:
    """Return a JSON value with lists of numbers of five digits for arrays."""
    if isinstance(value, np.ndarray):
        return [float(f"{x:.5g}") for x in value.tolist()]
    if isinstance(value, dict):
        return {key: _without_arrays(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_without_arrays(each) for each in value)
    return value
