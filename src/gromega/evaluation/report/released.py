"""The section on the released model, on its own test crystals."""

from pathlib import Path

from gromega._util.plotting import to_svg
from gromega.conditions import Box
from gromega.evaluation.figures.sweeps import sweep_figure
from gromega.evaluation.plot_data import read_curve
from gromega.evaluation.report.content import Block, ReportFigure, Section
from gromega.evaluation.results import curve_tables
from gromega.sweeps import AXES


def released_section(curves: Path, trained_over: Box) -> Section:
    """Return the section on the curves in a folder, beside those of the paper."""
    blocks: list[Block] = [
        "The released model was trained on all conditions together, and is tested here "
        "on crystals of the Materials Project that it was not trained on. These "
        "accuracies do not depend on the crystals of this run. Lan et al. trained at "
        "the reference, on other crystals."
    ]
    for axis in AXES.values():
        found, scores = read_curve(curves / f"{axis.name}.csv", axis)
        n = int(next(iter(scores.values()))["n"])
        title = f"released model, {n:,} test crystals"
        figure = sweep_figure(found, scores, trained_over, title)
        caption = f"Released model along {axis.name}; {n:,} test crystals."
        blocks.append(ReportFigure(caption, f"released-{axis.name}", to_svg(figure)))
    return Section("Released model", [*blocks, *curve_tables(curves, "Released model")])
