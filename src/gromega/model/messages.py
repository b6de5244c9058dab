"""Messages: predictions and their notes in plain English."""

import html
from collections.abc import Collection, Mapping, Sequence

from gromega.conditions import Box, Conditions
from gromega.model.candidates import Candidate
from gromega.model.importance import Importance
from gromega.model.matches import Matches
from gromega.model.neighbours import Neighbour
from gromega.model.other_groups import OtherGroupProbability
from gromega.model.reliability import Reliability

FIRST_PEAK = 2.0
"""Å. A PDF that begins below this r has all of its peaks."""
N_SHOWN = 6
"""The number of groups in a table."""
_HEADINGS = ("number", "symbol", "crystal system", "probability")
_RADIATIONS = {"xray": "x-rays", "neutron": "neutrons"}


def text_table(groups: Sequence[Candidate]) -> list[str]:
    """Return the first groups of a prediction as lines of text."""
    return [
        f"{c.number:4} {c.symbol:10} {c.system:13} {100 * c.probability:5.1f} %"
        for c in groups[:N_SHOWN]
    ]


def html_table(groups: Sequence[Candidate]) -> str:
    """Return the first groups of a prediction as an HTML table."""
    head = "".join(f"<th>{name}</th>" for name in _HEADINGS)
    rows = "".join(
        f"<tr><td>{c.number}</td><td>{html.escape(c.symbol)}</td>"
        f"<td>{c.system}</td><td>{100 * c.probability:.1f} %</td></tr>"
        for c in groups[:N_SHOWN]
    )
    return f"<table><tr>{head}</tr>{rows}</table>"


def html_paragraphs(lines: Sequence[str]) -> str:
    """Return lines as HTML paragraphs."""
    return "".join(f"<p>{html.escape(line)}</p>" for line in lines)


def set_line(
    groups: Sequence[Candidate],
    coverage: float | None,
    other: OtherGroupProbability | None,
) -> str:
    """Return the prediction set and the probability of all other groups."""
    parts = []
    if coverage is not None:
        numbers = ", ".join(str(c.number) for c in groups if c.in_set)
        parts.append(
            f"{_percent(coverage)} prediction set: {numbers} (of {len(groups)} groups)"
        )
    if other:
        parts.append(
            f"outside the model's groups: {_percent(other.probability)} (if "
            f"{_percent(other.share)} of all crystals are, as in its data)"
        )
    return " · ".join(parts)


def systems_line(systems: Mapping[str, float]) -> str:
    """Return the crystal systems with a probability of at least 0.5 %."""
    shown = [f"{name} {_percent(p)}" for name, p in systems.items() if p >= 0.005]
    return f"crystal system: {', '.join(shown)}"


def neighbour_line(neighbours: Sequence[Neighbour], composition: str | None) -> str:
    """Return the first neighbour, or nothing if there is none."""
    if not neighbours:
        return ""
    first = neighbours[0]
    among = f" with a composition like {composition}" if composition else ""
    return (
        f"nearest neighbour{among}: {first.formula} ({first.id}, {first.number}), "
        f"similarity {first.similarity:.2f}"
    )


def match_line(matches: Matches | None) -> str:
    """Return the best match, or nothing if there is none."""
    if matches is None:
        return ""
    best = matches.best[0]
    return (
        f"best match: {best.formula} ({best.id}, {best.number}), Rw {best.rw:.2f} with "
        f"its cell changed by {100 * best.strain:+.1f} %, of {matches.n:,} known "
        "crystals"
    )


def importance_line(importance: Importance | None, first: Candidate) -> str:
    """Return the most important r, or nothing if it was not computed."""
    if importance is None:
        return ""
    centres = ", ".join(f"{r:.1f}" for r in importance.highest())
    near = f"near {centres} Å" if centres else "no single window"
    return f"most important r for {first.number}: {near}"


def reliability_line(
    reliability: Reliability | None,
    conditions: Conditions,
    assumed: Collection[str],
    composition: str | None,
) -> str:
    """Return the reliability, or nothing if it was not computed."""
    if reliability is None:
        return ""
    found = reliability
    with_it = "the composition, " if composition else ""
    return (
        f"reliability: with {with_it}{_main_conditions(conditions, assumed)}, top-1 "
        f"{found.top1} and top-6 {found.top6} of {found.n:,} test crystals; top-1 "
        f"{found.alike_top1} and top-6 {found.alike_top6} of the {found.n_alike:,} "
        "predicted with similar confidence"
    )


def _main_conditions(conditions: Conditions, assumed: Collection[str]) -> str:
    """Return the conditions that matter most, marking those that are assumed."""
    rmin = f"rmin {conditions.rmin:.3g} Å, " if conditions.rmin > FIRST_PEAK else ""
    texts = {
        "qmax": f"Qmax {conditions.qmax:g} Å⁻¹",
        "qdamp": f"Qdamp {conditions.qdamp:g} Å⁻¹",
        "rmax": f"{rmin}rmax {conditions.rmax:.3g} Å",
        "radiation": _RADIATIONS[conditions.radiation],
    }
    return ", ".join(
        f"{text} (assumed)" if name in assumed else text for name, text in texts.items()
    )


def condition_notes(
    conditions: Conditions, box: Box, rmin: float, radiations: Sequence[str]
) -> list[str]:
    """Return a note for each condition that the model was not trained for.

    The box, the rmin in Å, and the radiations are those of its training.
    """
    notes = [
        f"{name} {getattr(conditions, name):g} is outside the range that the model was "
        f"trained for, {low:g} to {high:g}."
        for name in box.outside(conditions)
        if name != "rmin"
        for low, high in [getattr(box, name)]
    ]
    if conditions.rmin > FIRST_PEAK:
        notes.append(
            f"G(r) begins at {conditions.rmin:.3g} Å, but the model was trained from "
            f"{rmin:g} Å on; short distances help to distinguish groups."
        )
    if conditions.radiation not in radiations:
        notes.append(
            f"the model was trained for {' and '.join(radiations)}, not for the "
            f"radiation {conditions.radiation}."
        )
    return notes


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
