"""The card of a released model as Markdown."""

from collections.abc import Mapping
from typing import Any

from gromega._util.templates import render_template
from gromega.conditions import QUANTITIES
from gromega.crystals.space_groups import symbol
from gromega.evaluation.results import accuracy_columns
from gromega.model.io import MODEL_FILES


def render(card: Mapping[str, Any]) -> str:
    """Return the card as Markdown, the content of CARD.md."""
    return render_template(
        "gromega.registry",
        "CARD.md.j2",
        card=card,
        model_files=MODEL_FILES,
        conditions=", ".join(
            f"{name} {_with_unit(name, value)}"
            for name, value in card["conditions"].items()
        ),
        sweeps=[_sweep(*each) for each in card["metrics"]["sweeps"].items()],
        box=(
            ["condition", "from", "to"],
            [
                [name, _with_unit(name, low), _with_unit(name, high)]
                for name, (low, high) in card["box"].items()
            ],
        ),
        groups=(
            ["space group", "symbol", "train", "validation", "test"],
            [
                [group, symbol(int(group)), *(f"{n:,}" for n in counts.values())]
                for group, counts in card["data"]["by_space_group"].items()
            ],
        ),
    )


def _sweep(axis: str, scores: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    headings, cells = accuracy_columns(scores)
    rows = [[_with_unit(axis, value), *row] for value, row in cells.items()]
    return [axis, *headings], rows


def _with_unit(name: str, value: Any) -> str:
    return QUANTITIES[name].with_unit(value)
