import re
from html.parser import HTMLParser

import pytest

from gromega.evaluation.report.document import (
    Document,
    Picture,
    Section,
    Table,
    to_html,
    to_latex,
    to_markdown,
    write_document,
)

SVG = '<?xml version="1.0"?>\n<svg viewBox="0 0 1 1"><path d="M0 0"/></svg>\n'
TABLE = Table("50 % & <more>, Å⁻¹.", ["a_b", "top-1"], [["P2_1/c", "1.0 ± 0.5"]])
PICTURE = Picture("A 'curve'", "rmax", SVG)
DOCUMENT = Document(
    "Robustness of <x>",
    "It is right for 5 %.",
    [
        Section(
            "Along rmax", ["Some & text.", Picture("A 'curve'", "rmax", SVG), TABLE]
        ),
        Section("Empty", []),
    ],
)


class Page(HTMLParser):
    """A page that notes tags, attributes and text."""

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


def test_the_page_is_whole_and_asks_for_nothing_else():
    text = to_html(DOCUMENT)
    page = Page(text)
    assert page.open == []
    for _, attributes in page.tags:
        for name in ("src", "href", "xlink:href"):
            value = attributes.get(name) or ""
            assert not value or value.startswith(("#", "data:")), value
    assert "@import" not in text and "url(" not in text
    assert "<!--" not in re.sub(r"<!doctype html>", "", text)


def test_the_page_shows_what_the_document_holds():
    page = Page(to_html(DOCUMENT))
    for words in ("Robustness of <x>", "Some & text.", "50 % & <more>", "1.0 ± 0.5"):
        assert words in page.text
    drawn = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert [(a["role"], a["aria-label"]) for a in drawn] == [("img", "A 'curve'")]
    links = [a["href"] for tag, a in page.tags if tag == "a"]
    places = [a["id"] for tag, a in page.tags if tag == "section"]
    assert links == [f"#{place}" for place in places]
    assert "<?xml" not in page.text


def test_markdown_has_the_same_tables_and_links_to_figures():
    text = to_markdown(DOCUMENT)
    assert text.startswith("# Robustness of <x>\n\nIt is right for 5 %.\n\n## Along")
    assert "![A 'curve'](figures/rmax.svg)" in text
    assert "| a_b | top-1 |\n| --- | --- |\n| P2_1/c | 1.0 ± 0.5 |" in text


def test_latex_escapes_what_it_must():
    text = to_latex(TABLE, "01")
    assert r"\caption{50 \% \& <more>, \AA{}$^{-1}$.}" in text
    assert r"P2\_1/c & 1.0 $\pm$ 0.5 \\" in text
    assert r"\begin{tabular}{lr}" in text
    assert text.count("{") == text.count("}")
    odd = Table(r"HEAD^ and main~1, \ {a}.", TABLE.head, TABLE.rows)
    caption = (
        r"HEAD\textasciicircum{} and main\textasciitilde{}1, \textbackslash{} \{a\}."
    )
    assert rf"\caption{{{caption}}}" in to_latex(odd, "01")


@pytest.mark.parametrize("again", [False, True])
def test_a_document_is_written_with_figures_and_tables(tmp_path, again):
    write_document(tmp_path / "report", DOCUMENT)
    files = {p.relative_to(tmp_path / "report").as_posix(): p.read_text("utf-8")
             for p in (tmp_path / "report").rglob("*") if p.is_file()}  # fmt: skip
    assert sorted(files) == [
        "figures/rmax.svg",
        "index.html",
        "report.md",
        "tables/01.tex",
    ]
    assert files["figures/rmax.svg"] == SVG
    if again:
        write_document(tmp_path / "other", DOCUMENT)
        for name, content in files.items():
            assert (tmp_path / "other" / name).read_text("utf-8") == content
