"""A report as a web page, as Markdown, and its tables as LaTeX."""

from itertools import count
from pathlib import Path

from gromega._util.files import write_whole
from gromega._util.templates import render_template
from gromega.evaluation.report.content import Block, Report, ReportFigure, Table

_ROOM = "gromega.evaluation.report"


def to_html(report: Report) -> str:
    """Return a report as one web page that needs no other file."""
    return render_template(_ROOM, "index.html.j2", report=report, kind=_kind)


def to_markdown(report: Report) -> str:
    """Return a report as Markdown, with links to the SVG files in ``figures``."""
    return render_template(_ROOM, "report.md.j2", report=report, kind=_kind)


def to_latex(table: Table, label: str) -> str:
    r"""Return a table as LaTeX, for the package booktabs."""
    lines = [
        r"\begin{table}",
        rf"\caption{{{_tex(table.caption)}}}",
        rf"\label{{tab:{label}}}",
        rf"\begin{{tabular}}{{l{'r' * (len(table.head) - 1)}}}",
        r"\toprule",
        " & ".join(map(_tex, table.head)) + r" \\",
        r"\midrule",
        *(" & ".join(map(_tex, row)) + r" \\" for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def write_report(folder: Path, report: Report) -> None:
    """Write index.html, report.md, figures/*.svg and tables/*.tex to a folder."""
    write_whole(folder / "index.html", to_html(report))
    write_whole(folder / "report.md", to_markdown(report))
    number = count(1)
    for block in (block for section in report.sections for block in section.blocks):
        if isinstance(block, ReportFigure):
            write_whole(folder / "figures" / f"{block.name}.svg", block.svg)
        elif isinstance(block, Table):
            name = f"{next(number):02}"
            write_whole(folder / "tables" / f"{name}.tex", to_latex(block, name))


def _kind(block: Block) -> str:
    """Return whether a block is a ``figure``, a ``table`` or a ``paragraph``."""
    if isinstance(block, ReportFigure):
        return "figure"
    return "table" if isinstance(block, Table) else "paragraph"


_TEX = {
    "%": r"\%", "&": r"\&", "_": r"\_", "#": r"\#", "$": r"\$",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}",
    "{": r"\{", "}": r"\}",
    "±": r"$\pm$", "Å": r"\AA{}", "⁻": r"$^{-}$", "¹": r"$^{1}$", "²": r"$^{2}$",
    "−": "$-$", "∞": r"$\infty$", "–": "--",
}  # fmt: skip


def _tex(text: str) -> str:
    escaped = "".join(_TEX.get(character, character) for character in text)
    return escaped.replace("$^{-}$$^{1}$", "$^{-1}$")
