"""The content of a report as data: sections of text, tables and figures."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A table of text; its caption names the data set, the split and n."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class ReportFigure:
    """A figure as SVG, named as its file; its caption is also the alternative text."""

    caption: str
    name: str
    svg: str


Block = str | Table | ReportFigure


@dataclass(frozen=True)
class Section:
    """A section of paragraphs, tables and figures, in order."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Report:
    """A report; the paragraphs of the summary come first."""

    title: str
    summary: Sequence[str]
    sections: Sequence[Section]
