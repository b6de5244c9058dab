"""The accuracies of the last run as lines and tables, for the command line."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gromega._util.files import read_json
from gromega._util.formatting import in_percent, percent
from gromega.evaluation import paper
from gromega.evaluation.plot_data import read_curve
from gromega.evaluation.report.content import Table
from gromega.evaluation.score import (
    ALL_GROUPS,
    TOP,
    WITH_COMPOSITION,
    Scores,
    chance,
    unflat,
)
from gromega.lake.splits import BENCHMARK
from gromega.sweeps import AXES, BEYOND


def accuracy_columns(
    scores: Mapping[str, Scores],
) -> tuple[list[str], dict[str, list[str]]]:
    """Return the headings and, by point of a sweep, the cells of its accuracies.

    Accuracies with the composition are included if every point has them.
    """
    headings = [f"top-{k} (%)" for k in TOP]
    cells = {key: _cells(score) for key, score in scores.items()}
    if all(WITH_COMPOSITION in score for score in scores.values()):
        headings += [f"top-{k} with composition (%)" for k in TOP]
        for key, score in scores.items():
            cells[key] += _cells(score[WITH_COMPOSITION])
    return headings, cells


def results(metrics: Path) -> Iterator[str | Table]:
    """Yield the accuracies of a pipeline's last run beside those of the paper.

    The accuracies of the released model follow if the pipeline has tested it.
    """
    reference = unflat(read_json(metrics / "reference.json"))
    training = read_json(metrics / "train.json")
    yield (
        f"This run: {training['n_train']:,} training, {training['n_validation']:,} "
        f"validation and {reference['n']:,} test crystals"
    )
    yield from _at_reference(reference)
    if (metrics / "crystals.json").is_file():
        n_groups = min(read_json(metrics / "crystals.json")["space_groups"], BENCHMARK)
        yield f"reference, groups drawn at random: {_tops(chance(n_groups))}"
    yield from curve_tables(metrics / "curves", "This run")
    released = metrics / "released.json"
    if released.is_file():
        reference = unflat(read_json(released))
        yield from curve_tables(metrics / "released", "Released model")
        yield (
            f"Released model: {reference['n']:,} real crystals that it did not train on"
        )
        yield from _at_reference(reference)
    yield f"reference, Lan et al., other crystals: {_tops(paper.PAPER_REFERENCE)}"


def _at_reference(reference: Scores, where: str = "reference") -> Iterator[str]:
    yield f"{where}: {_tops(reference)}"
    if WITH_COMPOSITION in reference:
        yield f"{where}, with the composition: {_tops(reference[WITH_COMPOSITION])}"
    if of_all := reference.get(ALL_GROUPS):
        where = f"reference, among all groups, {of_all['n']:,} test crystals"
        yield from _at_reference(of_all, where)


def curve_tables(folder: Path, model: str) -> Iterator[Table]:
    """Yield a table for each axis that has a curve in a folder, of a model."""
    for axis in (AXES | BEYOND).values():
        path = folder / f"{axis.name}.csv"
        if not path.is_file():
            continue
        axis, scores = read_curve(path, axis)
        headings, cells = accuracy_columns(scores)
        reported = paper.reported(axis)
        if reported:
            headings += [f"Lan et al. top-{k} (%)" for k in TOP]
        rows = [
            [key, *row, *map(in_percent, reported.get(key, ()))]
            for key, row in cells.items()
        ]
        head = f"{axis.name} ({axis.unit})" if axis.unit else axis.name
        caption = f"{model}: accuracy along {axis.name}"
        yield Table(caption, [head, *headings], rows)


def _cells(score: Scores) -> list[str]:
    return [in_percent(score[f"top{k}"]) for k in TOP]


def _tops(score: Mapping[str, Any]) -> str:
    return ", ".join(f"top-{k} {percent(score[f'top{k}'])}" for k in TOP)
