"""The section on familiarity: accuracy and confidence by novelty of the crystals."""

from collections.abc import Mapping
from typing import Any

from gromega._util.formatting import in_percent
from gromega.evaluation.novelty import RELATIVES
from gromega.evaluation.report.content import Section, Table
from gromega.model.familiarity import KNOWN, NEW, UNSURE

_HEAD = ("top-1", "top-6", "confidence", "coverage", "groups")
_COMPOSITION = {
    "without_composition": "without the composition",
    "with_composition": "with the composition",
}
_NOT_SHOWN = ("new", "known")
"""Larger classes, which the stated structure types are of."""


def familiarity_section(about: str, scores: Mapping[str, Any]) -> Section:
    """Return the section, by the scores of the stage evaluate-novelty."""
    text = (
        "A relative is a training crystal of the same structure type. The AMD distance "
        "is the largest relative difference of the average minimum distances, at unit "
        "density, to the nearest training crystal with the same ratios of elements. "
        "Coverage and number of groups are those of 90 % prediction sets. The last "
        "four columns are for a structure type that is stated correctly."
    )
    tables = [
        Table(
            f"Accuracy, confidence and coverage in % by novelty, {_COMPOSITION[word]}, "
            f"{name}; {about}.",
            *novelty_table(cases),
        )
        for name, by_composition in scores.items()
        for word, cases in by_composition.items()
    ]
    return Section("Familiarity", [text, *tables])


def novelty_table(
    cases: Mapping[str, Mapping[str, Mapping[str, float]]],
) -> tuple[list[str], list[list[str]]]:
    """Return the head and the rows of a table of all classes of novelty.

    The scores are by statement on the structure type and by class, as
    `score_by_novelty` returns them. The class of all has no row of a statement.
    """
    head = ["class", "crystals", *_HEAD]
    stated = [KNOWN, NEW] if KNOWN in cases else []
    if stated:
        head += [f"{name} if stated" for name in _HEAD if name != "top-6"]
    rows = []
    for name, score in cases[UNSURE].items():
        if name in _NOT_SHOWN:
            continue
        row = [name, f"{score['n']:,.0f}", *_cells(score)]
        if stated:
            case = None
            if name in RELATIVES:
                case = NEW if RELATIVES[name][0] == 0 else KNOWN
            cells = _cells(cases[case][name]) if case else [""] * len(_HEAD)
            row += [cells[0], *cells[2:]]
        rows.append(row)
    return head, rows


def _cells(score: Mapping[str, float]) -> list[str]:
    names = ("top1", "top6", "confidence", "coverage")
    return [*(in_percent(score[name]) for name in names), f"{score['size']:.1f}"]
