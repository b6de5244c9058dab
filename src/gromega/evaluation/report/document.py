"""Documents of text, tables and figures, as Markdown, as LaTeX and as a web page."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from gromega._util.files import write_whole


@dataclass(frozen=True)
class Table:
    """A table.

    Parameters
    ----------
    caption
        What it shows, with data, split and count.
    head
        The headings of the columns.
    rows
        The cells, as text, row by row.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Picture:
    """A figure.

    Parameters
    ----------
    caption
        What it shows, in words that can stand in for it.
    name
        The name of its files, without a suffix.
    svg
        The figure as SVG.
    """

    caption: str
    name: str
    svg: str


@dataclass(frozen=True)
class Section:
    """A section: a title and what stands under it, text or tables or figures.

    Parameters
    ----------
    title
        The title.
    blocks
        The blocks, in order.
    """

    title: str
    blocks: Sequence[str | Table | Picture]


@dataclass(frozen=True)
class Document:
    """A document.

    Parameters
    ----------
    title
        The title.
    summary
        A paragraph that says the whole.
    sections
        The sections.
    """

    title: str
    summary: str
    sections: Sequence[Section]


def to_markdown(document: Document, figures: str = "figures") -> str:
    """Return a document as Markdown, with links to the SVG files in a folder."""
    lines = [f"# {document.title}", "", document.summary]
    for section in document.sections:
        lines += ["", f"## {section.title}"]
        for block in section.blocks:
            lines.append("")
            if isinstance(block, Picture):
                lines.append(f"![{block.caption}]({figures}/{block.name}.svg)")
            elif isinstance(block, Table):
                lines += [block.caption, ""]
                for cells in (block.head, ["---"] * len(block.head), *block.rows):
                    lines.append(f"| {' | '.join(cells)} |")
            else:
                lines.append(block)
    return "\n".join(lines) + "\n"


def to_latex(table: Table, label: str) -> str:
    r"""Return a table as LaTeX, for the package booktabs."""
    columns = "l" + "r" * (len(table.head) - 1)
    lines = [
        r"\begin{table}",
        rf"\caption{{{_tex(table.caption)}}}",
        rf"\label{{tab:{label}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        " & ".join(map(_tex, table.head)) + r" \\",
        r"\midrule",
        *(" & ".join(map(_tex, row)) + r" \\" for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def to_html(document: Document) -> str:
    """Return a document as one web page that needs nothing else."""
    page = resources.files("gromega.evaluation.report").joinpath("report.html")
    contents = "".join(
        f'<li><a href="#s{k}">{html.escape(section.title)}</a></li>'
        for k, section in enumerate(document.sections)
    )
    body = "".join(
        f'<section id="s{k}" aria-labelledby="t{k}"><h2 id="t{k}">'
        f"{html.escape(section.title)}</h2>"
        + "".join(_block(block, f"s{k}b{i}") for i, block in enumerate(section.blocks))
        + "</section>\n"
        for k, section in enumerate(document.sections)
    )
    filled = page.read_text("utf-8")
    for name, content in {
        "TITLE": html.escape(document.title),
        "SUMMARY": html.escape(document.summary),
        "CONTENTS": contents,
        "BODY": body,
    }.items():
        filled = filled.replace(f"<!--{name}-->", content)
    return filled


def write_document(folder: Path, document: Document) -> None:
    """Write a document to a folder: index.html, report.md, figures, tables/*.tex."""
    write_whole(folder / "index.html", to_html(document))
    write_whole(folder / "report.md", to_markdown(document))
    number = 0
    for section in document.sections:
        for block in section.blocks:
            if isinstance(block, Picture):
                write_whole(folder / "figures" / f"{block.name}.svg", block.svg)
            elif isinstance(block, Table):
                number += 1
                path = folder / "tables" / f"{number:02}.tex"
                write_whole(path, to_latex(block, f"{number:02}"))


def _block(block: str | Table | Picture, name: str) -> str:
    if isinstance(block, Picture):
        # From <svg on: a prolog has no place within a page.
        svg = block.svg[block.svg.index("<svg") :]
        label = html.escape(block.caption, quote=True)
        svg = svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
        return f"<figure>{svg}<figcaption>{label}</figcaption></figure>"
    if isinstance(block, Table):
        head = "".join(
            f'<th scope="col"><button type="button">{html.escape(cell)}</button></th>'
            for cell in block.head
        )
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in block.rows
        )
        return (
            f'<p class="caption" id="{name}">{html.escape(block.caption)}</p>'
            f'<div class="table" role="region" aria-labelledby="{name}" tabindex="0">'
            f'<table aria-labelledby="{name}"><thead><tr>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table></div>"
        )
    return f"<p>{html.escape(block)}</p>"


_TEX = {
    "%": r"\%", "&": r"\&", "_": r"\_", "#": r"\#", "$": r"\$",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}",
    "{": r"\{", "}": r"\}",
    "±": r"$\pm$", "Å": r"\AA{}", "⁻": r"$^{-}$", "¹": r"$^{1}$", "²": r"$^{2}$",
    "−": "$-$", "∞": r"$\infty$",
}  # fmt: skip


def _tex(text: str) -> str:
    return "".join(_TEX.get(character, character) for character in text).replace(
        "$^{-}$$^{1}$", "$^{-1}$"
    )
