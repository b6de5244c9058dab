"""The card of a released model as Markdown, for people to read."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gromega.conditions import QUANTITIES
from gromega.crystals.space_groups import symbol
from gromega.model.io import MODEL_FILES


def render(card: Mapping[str, Any]) -> str:
    """Return the card as Markdown, the content of CARD.md."""
    sections = {
        "Intended use": [f"- {text}" for text in card["intended_use"]],
        "Limits": [f"- {text}" for text in card["limits"]],
        "Accuracy": _accuracy(card),
        "Box of validity": _box(card),
        "Calibration": _calibration(card),
        "Data": _data(card),
        "Network and training": _training(card),
        "Licences": [f"- {what}: {name}" for what, name in card["licences"].items()],
        "SHA-256": [f"- {name}: `{card['sha256'][name]}`" for name in MODEL_FILES],
    }
    lines = [f"# {card['name']} {card['version']}", "", card["task"]]
    for title, content in sections.items():
        lines += ["", f"## {title}", "", *content]
    return "\n".join(lines) + "\n"


def _accuracy(card: Mapping[str, Any]) -> Iterator[str]:
    score, conditions = card["metrics"]["reference"], card["conditions"].items()
    yield (
        f"Top-1 **{score['top1']:.1%}**, top-6 **{score['top6']:.1%}** on "
        f"{score['n']:,} test crystals in {len(card['space_groups'])} space groups, "
        "simulated at the reference:"
    )
    yield ", ".join(
        f"{name} {QUANTITIES[name].with_unit(value)}" for name, value in conditions
    )
    told = card["metrics"].get("with_composition")
    if told:
        yield ""
        yield (
            f"There, told their compositions: top-1 **{told['top1']:.1%}**, top-6 "
            f"**{told['top6']:.1%}**."
        )
    for axis, scores in card["metrics"]["sweeps"].items():
        headings, cells = accuracies(scores)
        yield ""
        yield from _table(
            (axis, *headings),
            ((QUANTITIES[axis].with_unit(value), *row) for value, row in cells.items()),
        )


def accuracies(
    scores: Mapping[str, Any],
) -> tuple[tuple[str, ...], dict[str, list[str]]]:
    """Return headings and cells of a table of accuracies, by point of a sweep.

    Where they were scored, those with the compositions known stand beside them.
    """
    headings: tuple[str, ...] = ("top-1", "top-6")
    if all("with_composition" in score for score in scores.values()):
        headings += ("told top-1", "told top-6")
    cells = {}
    for key, score in scores.items():
        both = (score, score.get("with_composition", {}))
        cells[key] = [f"{of[k]:.1%}" for of in both if of for k in ("top1", "top6")]
    return headings, cells


def _box(card: Mapping[str, Any]) -> Iterator[str]:
    learned = card["training"].get("radiations", [card["conditions"]["radiation"]])
    yield f"Radiation: {', '.join(learned)}."
    yield ""
    yield from _table(
        ("condition", "from", "to"),
        (
            (name, QUANTITIES[name].with_unit(low), QUANTITIES[name].with_unit(high))
            for name, (low, high) in card["box"].items()
        ),
    )


def _calibration(card: Mapping[str, Any]) -> Iterator[str]:
    found = card["calibration"]
    if not found:
        yield "None: the probabilities are as the network gives them."
        return
    yield from _fitted(found)
    told = card.get("calibration_with_composition")
    if told:
        yield ""
        yield "Told the composition:"
        yield ""
        yield from _fitted(told)


def _fitted(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"- temperature {found['temperature']:g}"
    for coverage, threshold in found["conformal"].items():
        yield f"- sets that cover {float(coverage):.0%}: threshold {threshold:g}"
    yield f"- fitted on: {found['fitted_on']}, {found['n']:,} PDFs"
    others = found.get("other_groups")
    if others:
        yield (
            f"- another group: log-odds {others['offset']:g} + {others['slope']:g} H, "
            f"H the entropy of the probabilities, where {others['share']:.1%} of all "
            f"crystals are of such; fitted on {others['n']:,} of them"
        )
    if found["ece"] is not None:
        yield f"- expected calibration error on the test crystals: {found['ece']:.4f}"


def _data(card: Mapping[str, Any]) -> Iterator[str]:
    data = card["data"]
    for key in ("name", "version", "origin", "licence", "citation"):
        yield f"- {key}: {data[key]}"
    counts = [f"{n:,} {part}" for part, n in data["crystals"].items()]
    yield f"- crystals: {', '.join(counts)}"
    yield f"- structure types: {data['structure_types']:,}"
    yield f"- split: {data['split']['scheme']}, seed {data['split']['seed']}"
    yield from (f"- SHA-256 of {k}: `{v}`" for k, v in data["sha256"].items())
    yield ""
    yield from _table(
        ("space group", "symbol", "train", "validation", "test"),
        (
            (group, symbol(int(group)), *(f"{n:,}" for n in counts.values()))
            for group, counts in data["by_space_group"].items()
        ),
    )


def _training(card: Mapping[str, Any]) -> Iterator[str]:
    network = card["network"]
    arguments = ", ".join(f"{k} {v}" for k, v in network["architecture"].items())
    yield f"- network: {arguments}"
    yield f"- parameters: {network['parameters']:,}"
    if "memory" in network:
        memory = network["memory"]
        yield (
            f"- memory: {memory['crystals']:,} crystals of the training part, spread "
            f"{memory['spread']:g}, weight {memory['weight']:g}"
        )
    facts = {k: v for k, v in card["training"].items() if k != "radiations"}
    yield from (f"- {key}: {value}" for key, value in facts.items())
    yield f"- hardware: {card['hardware'] or 'not stated'}"
    yield f"- hours: {'not stated' if card['hours'] is None else card['hours']}"


def _table(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    heading = tuple(heading)
    for cells in (heading, ("---",) * len(heading), *rows):
        yield f"| {' | '.join(cells)} |"
