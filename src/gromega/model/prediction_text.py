"""The text of a prediction: the verdict, the table, and a line for each fact."""

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gromega._util.formatting import percent, shares_text
from gromega.conditions import Conditions
from gromega.crystals.space_groups import class_number
from gromega.model.candidates import N_SHOWN
from gromega.model.reliability import Reliability

if TYPE_CHECKING:
    from gromega.model.prediction import Prediction

FIRST_PEAK = 2.0  # Å; a PDF that begins below this r has all of its peaks
_HEADINGS = ("number", "symbol", "crystal system", "probability")
_RADIATIONS = {"xray": "x-rays", "neutron": "neutrons"}


def to_text(prediction: "Prediction") -> str:
    """Return the text for a terminal."""
    shown = prediction.groups[:N_SHOWN]
    # A pair of groups that are mirror images is longer.
    numbers = max(4, *(len(class_number(c.number)) for c in shown))
    symbols = max(10, *(len(c.symbol) for c in shown))
    rows = [
        f"{class_number(c.number):>{numbers}} {c.symbol:{symbols}} {c.system:13} "
        f"{100 * c.probability:5.1f} %"
        for c in shown
    ]
    return "\n".join([prediction.verdict.text, *rows, *_facts(prediction)])


def to_html(prediction: "Prediction") -> str:
    """Return the verdict, the first groups, the facts, and a figure, for Jupyter."""
    head = "".join(f"<th>{name}</th>" for name in _HEADINGS)
    rows = "".join(
        f"<tr><td>{class_number(c.number)}</td><td>{html.escape(c.symbol)}</td>"
        f"<td>{c.system}</td><td>{100 * c.probability:.1f} %</td></tr>"
        for c in prediction.groups[:N_SHOWN]
    )
    verdict = f"<p><strong>{html.escape(prediction.verdict.text)}</strong></p>"
    facts = "<br>".join(map(html.escape, _facts(prediction)))
    figure = ""
    if prediction.importance:
        # Matplotlib takes a second to import: predictions do without it.
        from gromega._util.plotting import to_svg
        from gromega.model.prediction_figure import prediction_figure

        drawn = prediction_figure(
            prediction.groups, prediction.importance, prediction.matches
        )
        svg = to_svg(drawn)
        figure = svg[svg.index("<svg") :]
    table = f"<table><tr>{head}</tr>{rows}</table>"
    return f"{verdict}{table}<p>{facts}</p>{figure}"


def _facts(prediction: "Prediction") -> Iterator[str]:
    """Yield the lines below the table: set, symmetry, reasons, reliability, notes."""
    yield from _set_lines(prediction)
    yield f"crystal system: {shares_text(prediction.systems)}"
    if prediction.hierarchy:
        yield from prediction.hierarchy.lines()
    if prediction.cell_size:
        yield from prediction.cell_size.lines()
    if prediction.familiarity:
        yield from prediction.familiarity.lines()
    yield from _reasons(prediction)
    yield f"conditions: {_main_conditions(prediction.conditions, prediction.assumed)}"
    if prediction.reliability:
        yield from _reliability_lines(prediction.reliability)
    yield from (f"note: {note}" for note in prediction.notes)


def _set_lines(prediction: "Prediction") -> Iterator[str]:
    """Yield the prediction set and the probability of all other groups."""
    if prediction.coverage is not None:
        in_set = [class_number(c.number) for c in prediction.groups if c.in_set]
        numbers = f"{', '.join(in_set)} (of {len(prediction.groups)} groups)"
        yield f"{percent(prediction.coverage, 0)} prediction set: {numbers}"
    if other := prediction.other_groups:
        yield (
            f"outside the model's groups: {percent(other.probability, 0)} (if "
            f"{percent(other.share, 0)} of all crystals are, as in its data)"
        )


def _reasons(prediction: "Prediction") -> Iterator[str]:
    """Yield the composition, neighbour, match and important r, a line each."""
    among = ""
    if prediction.composition:
        yield f"composition used: {prediction.composition}"
        among = f" with a composition like {prediction.composition}"
    if prediction.neighbours:
        first = prediction.neighbours[0]
        yield (
            f"nearest neighbour{among}: {first.formula} ({first.id}, "
            f"{first.number}), similarity {first.similarity:.2f}"
        )
    if prediction.matches:
        best = prediction.matches.best[0]
        yield (
            f"best match: {best.formula} ({best.id}, {best.number}), Rw "
            f"{best.rw:.2f} with its cell changed by {100 * best.strain:+.1f} %, "
            f"of {prediction.matches.n:,} known crystals"
        )
    if prediction.importance:
        centres = ", ".join(f"{r:.1f}" for r in prediction.importance.highest())
        near = f"near {centres} Å" if centres else "no single window"
        first_group = class_number(prediction.groups[0].number)
        yield f"most important r for {first_group}: {near}"


def _reliability_lines(found: Reliability) -> Iterator[str]:
    """Yield the accuracies on test crystals, a line for each kind of them."""
    yield (
        f"reliability: top-1 {found.top1} and top-6 {found.top6} of {found.n:,} test "
        "crystals under these conditions"
    )
    yield (
        f"reliability at similar confidence: top-1 {found.alike_top1} and top-6 "
        f"{found.alike_top6} of {found.n_alike:,} of them"
    )
    for case, share in (("known", found.if_known), ("new", found.if_new)):
        if share:
            yield f"reliability if the structure type is {case}: top-1 {share}"


def _main_conditions(omega: Conditions, assumed: tuple[str, ...]) -> str:
    """Return the conditions that matter most, marking those that are assumed."""
    rmin = f"rmin {omega.rmin:.3g} Å, " if omega.rmin > FIRST_PEAK else ""
    texts = {
        "qmax": f"Qmax {omega.qmax:g} Å⁻¹",
        "qdamp": f"Qdamp {omega.qdamp:g} Å⁻¹",
        "rmax": f"{rmin}rmax {omega.rmax:.3g} Å",
        "radiation": _RADIATIONS[omega.radiation],
    }
    return ", ".join(
        text + " (assumed)" * (name in assumed) for name, text in texts.items()
    )
