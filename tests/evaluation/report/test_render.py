from html.parser import HTMLParser
from pathlib import Path

from gromega.evaluation.report.content import Report, ReportFigure, Section, Table
from gromega.evaluation.report.render import (
    to_html,
    to_latex,
    to_markdown,
    write_report,
)

SVG = '<?xml version="1.0"?>\n<svg viewBox="0 0 1 1"><path d="M0 0"/></svg>\n'
TABLE = Table("50 % & <more>, Å⁻¹.", ["a_b", "top-1"], [["P2_1/c", "1.0 (0.5–1.9)"]])
FIGURE = ReportFigure("A 'curve' & <more>", "rmax", SVG)
REPORT = Report(
    "Robustness of <x>",
    ["Top-1 accuracy is 5 %."],
    [
        Section("Along rmax", ["Some & text.", FIGURE, TABLE]),
        Section("Empty", []),
    ],
)


class Page(HTMLParser):
    """A page with its tags, attributes and text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in {"meta", "link", "path"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_the_page_is_well_formed_and_needs_no_other_file():
    text = to_html(REPORT)
    page = Page(text)
    assert page.open == []
    for _, attributes in page.tags:
        for name in ("src", "href", "xlink:href"):
            value = attributes.get(name) or ""
            assert not value or value.startswith(("#", "data:")), value
    assert "@import" not in text and "url(" not in text


def test_the_page_shows_the_content_of_the_report():
    page = Page(to_html(REPORT))
    for words in (
        "Robustness of <x>",
        "Some & text.",
        "50 % & <more>",
        "1.0 (0.5–1.9)",
    ):
        assert words in page.text
    images = [a for _, a in page.tags if a.get("role") == "img"]
    assert [a["aria-label"] for a in images] == ["A 'curve' & <more>"]
    assert [tag for tag, _ in page.tags].count("svg") == 1
    links = [a["href"] for tag, a in page.tags if tag == "a"]
    places = [a["id"] for tag, a in page.tags if tag == "section"]
    assert links == [f"#{place}" for place in places]
    assert "<?xml" not in page.text


def test_markdown_has_the_same_tables_and_links_to_figures():
    text = to_markdown(REPORT)
    assert text.startswith("# Robustness of <x>\n\nTop-1 accuracy is 5 %.\n\n## Along")
    assert "\n\n![A 'curve' & <more>](figures/rmax.svg)\n\n" in text
    assert "\n\n| a_b | top-1 |\n| :--- | ---: |\n| P2_1/c | 1.0 (0.5–1.9) |\n" in text
    assert text.endswith("\n\n## Empty\n")


def test_latex_escapes_special_characters():
    text = to_latex(TABLE, "01")
    assert r"\caption{50 \% \& <more>, \AA{}$^{-1}$.}" in text
    assert r"P2\_1/c & 1.0 (0.5--1.9) \\" in text
    assert r"\begin{tabular}{lr}" in text
    assert text.count("{") == text.count("}")
    odd = Table(r"HEAD^ and main~1, \ {a}.", TABLE.head, TABLE.rows)
    caption = (
        r"HEAD\textasciicircum{} and main\textasciitilde{}1, \textbackslash{} \{a\}."
    )
    assert rf"\caption{{{caption}}}" in to_latex(odd, "01")


def test_a_report_is_written_with_figures_and_tables(tmp_path):
    write_report(tmp_path / "report", REPORT)
    files = {p.relative_to(tmp_path / "report").as_posix(): p.read_text("utf-8")
             for p in (tmp_path / "report").rglob("*") if p.is_file()}  # fmt: skip
    assert sorted(files) == [
        "figures/rmax.svg",
        "index.html",
        "report.md",
        "tables/01.tex",
    ]
    assert files["figures/rmax.svg"] == SVG


def test_templates_are_part_of_the_package():
    folder = Path(__import__("gromega.evaluation.report", fromlist=["x"]).__file__)
    assert {p.name for p in folder.parent.glob("*.j2")} == {
        "index.html.j2", "report.md.j2"
    }  # fmt: skip
