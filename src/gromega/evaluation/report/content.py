"""The content of a report as data: sections of text, tables and figures."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A table.

    Parameters
    ----------
    caption
        The caption, with the data set, the split and the number of crystals.
    head
        The headings of the columns.
    rows
        The cells as text, row by row.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class ReportFigure:
    """A figure.

    Parameters
    ----------
    caption
        The caption, which also serves as the alternative text.
    name
        The name of its file, without a suffix.
    svg
        The figure as SVG.
    """

    caption: str
    name: str
    svg: str


Block = str | Table | ReportFigure


@dataclass(frozen=True)
class Section:
    """A section of a report.

    Parameters
    ----------
    title
        The title.
    blocks
        The paragraphs, tables and figures, in order.
    """

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Report:
    """A report.

    Parameters
    ----------
    title
        The title.
    summary
        The first paragraph.
    sections
        The sections.
    """

    title: str
    summary: str
    sections: Sequence[Section]
