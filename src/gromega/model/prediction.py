"""What a model answers to one measured PDF."""

import html
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from gromega.conditions import Conditions
from gromega.model.importance import Evidence
from gromega.model.reliability import Reliability

FIRST_PEAK = 2.0
"""Å. A PDF that begins above 1.5 Å but below this lacks nothing that tells groups."""


@dataclass(frozen=True)
class Candidate:
    """A space group that a PDF may be of.

    Parameters
    ----------
    number
        The space group number.
    symbol
        Its Hermann-Mauguin symbol.
    system
        Its crystal system.
    probability
        Its probability, calibrated where the model is.
    in_set
        Whether it is in the prediction set.
    """

    number: int
    symbol: str
    system: str
    probability: float
    in_set: bool


@dataclass(frozen=True)
class Neighbour:
    """A crystal that the model remembers.

    Parameters
    ----------
    id
        Its id.
    formula
        Its formula.
    number
        Its space group number.
    similarity
        The cosine between its embedding and that of the PDF, at most 1.
    """

    id: str
    formula: str
    number: int
    similarity: float


@dataclass(frozen=True)
class OtherGroupProbability:
    """How likely the group of a PDF is none that a model knows.

    Parameters
    ----------
    probability
        The probability.
    share
        The share of crystals of other groups that it is meant for: that of the source
        of the crystals that the model was made from.
    """

    probability: float
    share: float


@dataclass(frozen=True)
class Prediction:
    """What a model answers to one PDF.

    Parameters
    ----------
    groups
        All space groups that the model knows, most probable first: their probabilities
        if it is one of these.
    coverage
        The share of PDFs whose true group the prediction sets hold, over the
        conditions of the model's box; None without calibration.
    systems
        The probability of each crystal system, most probable first.
    nearest
        The remembered crystals with most votes, the first with the most: those most
        like the PDF, and of like compositions where the model was told one; none from a
        model without memory.
    conditions
        The conditions of the PDF: stated by the file or by the caller, and those of
        the reference elsewhere.
    trust
        How often the model is right at these conditions; None where it was not
        tested.
    warnings
        What speaks against trust, a sentence each.
    evidence
        What in the PDF speaks for the first group; None where it was not asked for.
    composition
        The composition that the model was told; None where it was told none.
    assumed
        The names of the conditions that are those of the reference because neither
        file nor caller state them.
    other_group
        How likely it is of another group; None where the model cannot say.
    """

    groups: tuple[Candidate, ...]
    coverage: float | None
    systems: Mapping[str, float]
    nearest: tuple[Neighbour, ...]
    conditions: Conditions
    trust: Reliability | None = None
    warnings: tuple[str, ...] = ()
    evidence: Evidence | None = None
    composition: str | None = None
    assumed: tuple[str, ...] = ()
    other_group: OtherGroupProbability | None = None

    def to_mapping(self) -> dict[str, Any]:
        """Return the answer as JSON can hold it."""
        values = asdict(replace(self, evidence=None))
        values["conditions"] = self.conditions.to_mapping()
        values["evidence"] = self.evidence.to_mapping() if self.evidence else None
        return values

    def __str__(self) -> str:
        lines = [
            f"{c.number:4} {c.symbol:10} {c.system:13} {c.probability:6.1%}"
            for c in self.groups[:6]
        ]
        return "\n".join([*lines, *self._remarks()])

    def _repr_html_(self) -> str:
        """Return the first groups as a table, and the evidence, for Jupyter."""
        rows = "".join(
            f"<tr><td>{c.number}</td><td>{html.escape(c.symbol)}</td>"
            f"<td>{c.system}</td><td>{c.probability:.1%}</td></tr>"
            for c in self.groups[:6]
        )
        remarks = "".join(f"<p>{html.escape(text)}</p>" for text in self._remarks())
        head = "".join(
            f"<th>{name}</th>"
            for name in ("number", "symbol", "crystal system", "probability")
        )
        figure = ""
        if self.evidence:
            # Matplotlib takes a second to import: what draws nothing does without.
            from gromega._util.plotting import to_svg
            from gromega.model.prediction_figure import prediction_figure

            svg = to_svg(prediction_figure(self))
            figure = svg[svg.index("<svg") :]
        return f"<table><tr>{head}</tr>{rows}</table>{remarks}{figure}"

    def _remarks(self) -> list[str]:
        remarks = []
        if self.coverage is not None:
            names = ", ".join(str(c.number) for c in self.groups if c.in_set)
            remarks.append(
                f"set that holds {self.coverage:.0%}: {names}; of the "
                f"{len(self.groups)} groups that the model knows"
            )
        if self.other_group:
            remarks.append(
                f"another group: {self.other_group.probability:.0%}, if such are "
                f"{self.other_group.share:.0%} of all, as in its data"
            )
        systems = [f"{k} {p:.0%}" for k, p in self.systems.items() if p >= 0.005]
        remarks.append(f"crystal system: {', '.join(systems)}")
        if self.composition:
            remarks.append(f"composition: {self.composition}, which the model was told")
        if self.nearest:
            first = self.nearest[0]
            what = "most votes" if self.composition else "most like"
            remarks.append(
                f"{what}: {first.formula} ({first.id}, {first.number}), similarity "
                f"{first.similarity:.2f}"
            )
        if self.evidence and self.evidence.matches:
            best = self.evidence.matches.best[0]
            remarks.append(
                f"best match: {best.formula} ({best.id}, {best.number}), Rw "
                f"{best.rw:.2f} with its cell changed by {best.strain:+.1%}, of "
                f"{self.evidence.matches.n:,} known crystals"
            )
        if self.evidence:
            most = self.evidence.speaks_most()
            near = f"r near {most} Å" if most else "no r alone"
            remarks.append(f"speaks most for {self.groups[0].number}: {near}")
        if self.trust:
            remarks.append(f"trust: {self._where()} the model is {self.trust}")
        return [*remarks, *(f"note: {text}" for text in self.warnings)]

    def _where(self) -> str:
        """Return the conditions that matter most, in words."""
        omega = self.conditions
        begin = ""
        if omega.rmin > FIRST_PEAK:
            begin = f"rmin {omega.rmin:.3g} Å, "
        words = {
            "qmax": f"Qmax {omega.qmax:g} Å⁻¹",
            "qdamp": f"Qdamp {omega.qdamp:g} Å⁻¹",
            "rmax": f"{begin}rmax {omega.rmax:.3g} Å",
            "radiation": {"xray": "x-rays", "neutron": "neutrons"}[omega.radiation],
        }
        said = (
            text + " (assumed)" * (name in self.assumed) for name, text in words.items()
        )
        told = ", told the composition," if self.composition else ","
        return f"with {', '.join(said)}{told}"
