"""The released model in the report: its accuracy on its own test crystals."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gromega._util.formatting import percent
from gromega._util.plotting import to_svg
from gromega.conditions import REFERENCE, Box
from gromega.evaluation import paper
from gromega.evaluation.figures.sweeps import sweep_figure
from gromega.evaluation.plot_data import read_curve
from gromega.evaluation.report.content import Block, ReportFigure, Section
from gromega.evaluation.results import curve_tables
from gromega.evaluation.score import TOP, WITH_COMPOSITION
from gromega.sweeps import AXES


@dataclass(frozen=True)
class Released:
    """The released model: its accuracy in sentences, and its section."""

    summary: str
    section: Section


def released_model(curves: Path, trained_over: Box) -> Released:
    """Return the released model by its curves, beside those of the paper."""
    blocks: list[Block] = [
        "The released model was trained on all conditions together, and is tested here "
        "on crystals of the Materials Project that it was not trained on. These "
        "accuracies do not depend on the crystals of this run. Lan et al. trained at "
        "the reference, on other crystals."
    ]
    summary = ""
    for axis in AXES.values():
        found, scores = read_curve(curves / f"{axis.name}.csv", axis)
        at_reference = scores[axis.key(getattr(REFERENCE, axis.name))]
        summary = summary or _summary(at_reference)
        title = f"released model, {int(at_reference['n']):,} test crystals"
        figure = sweep_figure(found, scores, trained_over, title)
        caption = f"Accuracy along {axis.name}: {title}."
        blocks.append(ReportFigure(caption, f"released-{axis.name}", to_svg(figure)))
    tables = curve_tables(curves, "Released model")
    return Released(summary, Section("Released model", [*blocks, *tables]))


def _summary(scores: Mapping[str, Any]) -> str:
    given = ""
    if WITH_COMPOSITION in scores:
        given = f"; with the composition, {_tops(scores[WITH_COMPOSITION])}"
    return (
        f"Released model: at the reference, {_tops(scores)}, on {int(scores['n']):,} "
        f"real crystals that it did not train on{given}. "
        f"Lan et al., on other crystals: {_tops(paper.PAPER_REFERENCE)}."
    )


def _tops(scores: Mapping[str, Any]) -> str:
    return " and ".join(f"top-{k} {percent(scores[f'top{k}'])}" for k in TOP)
