"""The section on the sizes of primitive cells."""

from collections.abc import Mapping
from typing import Any

from gromega._util.formatting import in_percent
from gromega.evaluation.report.content import Section, Table

CLASSES = ("all", "known", "new")
"""The classes of test crystals in the tables."""
_HEAD = (
    "structure types", "composition", "crystals", "atoms: right", "confidence",
    "coverage", "width", "volume: error", "coverage", "width",
)  # fmt: skip


def cell_sizes_section(about: str, scores: Mapping[str, Any]) -> Section:
    """Return the section, by the scores of the stage evaluate-novelty."""
    text = (
        "The predicted number of atoms in the primitive cell is right if it is that of "
        "the crystal. Coverage is that of 90 % intervals, and width the median ratio "
        "of the upper to the lower end. The error of the volume is the median of the "
        "relative errors."
    )
    tables = [
        Table(f"Size of the primitive cell in %, {name}; {about}.", *cell_size_table(x))
        for name, x in scores.items()
    ]
    return Section("Primitive cell", [text, *tables])


def cell_size_table(scores: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Return the head and the rows of a table.

    The scores are by use of the composition and by class, as `score_cell_sizes` returns
    them.
    """
    rows = []
    for word, of_class in scores.items():
        for name in filter(of_class.__contains__, CLASSES):
            score = of_class[name]
            volume = [""] * 3
            if score["volume_error"] is not None:
                shares = (score["volume_error"], score["volume_coverage"])
                volume = [*map(in_percent, shares), f"{score['volume_width']:.1f}"]
            of_atoms = (score["right"], score["confidence"], score["coverage"])
            rows.append([
                name, "given" if word == "with_composition" else "not given",
                f"{score['n']:,.0f}", *map(in_percent, of_atoms),
                f"{score['width']:.1f}", *volume,
            ])  # fmt: skip
    return [*_HEAD], rows
