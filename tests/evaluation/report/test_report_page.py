"""The page of a report in a real browser."""

import pytest

from gromega._util.plotting import to_svg
from gromega.conditions import Box
from gromega.evaluation.figures.sweeps import sweep_figure
from gromega.evaluation.report.content import Report, ReportFigure, Section, Table
from gromega.evaluation.report.render import to_html
from gromega.sweeps import get_axis


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    axis = get_axis("rmax")
    scores = {
        axis.key(value): {"top1": 0.1 + value / 50, "top6": 0.9, "n": 9}
        for value in axis.values
    }
    svg = to_svg(sweep_figure(axis, scores, Box(), "a test"))
    rows = [[key, f"{100 * score['top1']:.1f}"] for key, score in scores.items()]
    wide = [[f"{k}" for k in range(30)]]
    table = Table("Along rmax.", ["rmax", "top-1"], rows)
    blocks = [
        "Text.", ReportFigure("a", "rmax", svg), table, Table("Wide.", ["x"] * 30, wide)
    ]  # fmt: skip
    path = tmp_path_factory.mktemp("report") / "index.html"
    report = Report("A report", "All of it.", [Section("rmax", blocks)])
    path.write_text(to_html(report))
    return path


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (390, "dark")])
def test_the_page_fits_without_errors_or_requests(page_file, open_page, width, scheme):
    watched = open_page(width, scheme)
    page = watched.page
    page.goto(page_file.as_uri())
    assert page.locator("figure svg").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert watched.complaints == []
    assert [url for url in watched.asked if not url.startswith("data:")] == [
        page_file.as_uri()
    ]
    ink = page.evaluate("getComputedStyle(document.body).color")
    assert ink == ("rgb(29, 35, 41)" if scheme == "light" else "rgb(228, 232, 236)")


def test_tables_are_sorted_by_a_click_or_a_key(page_file, open_page):
    page = open_page(1200).page
    page.goto(page_file.as_uri())
    column = page.locator("table").first.locator("tbody td:nth-child(2)")
    # A long table is folded.
    assert not column.first.is_visible()
    page.locator("summary").click()
    rising = [float(text) for text in column.all_inner_texts()]
    heading = page.locator("table").first.locator("th button").nth(1)
    heading.click()
    heading.press("Enter")
    assert [float(text) for text in column.all_inner_texts()] == rising[::-1]
    assert page.locator("th[aria-sort=descending]").count() == 1
