"""Several files on the web page in a real browser: options, links, downloads."""

import csv
import json
from io import StringIO

import pytest
from pages import DESKTOP, PHONE, RUTILE, wait_for_all

from gromega.model.summary import COLUMNS

SPINEL, TITANATE = "spinel-laboratory.gr", "strontium-titanate-neutrons.gr"


@pytest.fixture
def three(address, open_page, files):
    """A page with three files, and one that is none."""

    def opened(width):
        page = open_page(width).page
        page.goto(address)
        names = (RUTILE, SPINEL, TITANATE, "wrong.gr")
        page.set_input_files("#file", [files / name for name in names])
        wait_for_all(page)
        return page

    return opened


def open_row(page, name):
    page.click(f"#rows button:text-is('{name}')")
    assert page.inner_text("#title") == name


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_several_files_make_a_table(three, width):
    page = three(width)
    rows = page.locator("#rows tr")
    assert rows.count() == 4
    assert page.inner_text("#title") == RUTILE
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # everything of a row is on the screen
    table = page.locator("#series .table")
    assert table.evaluate("table => table.scrollWidth - table.clientWidth") <= 0
    for name in (SPINEL, TITANATE):
        open_row(page, name)
        wait_for_all(page)
        first = page.locator("#groups tr").first.inner_text().split()
        cells = page.locator("#rows tr", has_text=name).inner_text()
        assert f"{first[0]} {first[1]}" in cells
    open_row(page, "wrong.gr")
    assert "wrong.gr" in page.inner_text("#problem")
    assert page.is_hidden("#prediction") and page.is_hidden("#curves")
    page.click("#clear")
    assert page.is_hidden("#series") and page.is_hidden("#one")


def test_fields_belong_to_one_file(address, open_page, files):
    page = open_page(DESKTOP).page
    page.goto(address)
    page.set_input_files("#file", files / RUTILE)
    wait_for_all(page)
    page.click("summary")
    page.fill("[name=composition]", "TiO2")
    page.click("#again")
    page.wait_for_selector("#conditions:has-text('TiO2')")
    # the next file, and the same file once more: nothing is left of the first
    for name in (SPINEL, RUTILE):
        page.set_input_files("#file", files / name)
        wait_for_all(page)
        assert page.inner_text("#title") == name
        assert page.input_value("[name=composition]") == ""
        assert "TiO2" not in page.inner_text("#conditions")
    # the first file keeps it, also what was typed and not yet sent
    page.locator("#rows button").first.click()
    assert page.input_value("[name=composition]") == "TiO2"
    assert "TiO2" in page.inner_text("#conditions")
    page.fill("[name=qmax]", "18")
    page.locator("#rows button").nth(1).click()
    assert page.input_value("[name=qmax]") == ""
    page.locator("#rows button").first.click()
    assert page.input_value("[name=qmax]") == "18"
    # unless it is asked for
    page.click("#for-all")
    wait_for_all(page)
    open_row(page, SPINEL)
    assert "Q 0.5 to 18 Å⁻¹" in page.inner_text("#conditions")


def test_all_predictions_are_saved_as_json_and_csv(three):
    page = three(DESKTOP)
    saved = {}
    for ending in ("json", "csv"):
        with page.expect_download() as coming:
            page.click(f"#all-{ending}")
        saved[ending] = coming.value.path().read_text("utf-8")
    predictions = json.loads(saved["json"])
    assert list(predictions) == [RUTILE, SPINEL, TITANATE]
    rows = list(csv.DictReader(StringIO(saved["csv"])))
    assert tuple(rows[0]) == COLUMNS
    for row, (name, prediction) in zip(rows, predictions.items(), strict=True):
        assert row["file"] == name
        assert row["verdict"] == prediction["verdict"]["level"]
        assert int(row["number"]) == prediction["groups"][0]["number"]
        assert float(row["top1"]) == pytest.approx(
            prediction["reliability"]["top1"]["value"], abs=1e-4
        )
        # the model of this server does not know the primitive cell
        assert row["atoms"] == row["atoms_range"] == row["volume_range"] == ""


def test_the_summary_has_the_size_of_the_primitive_cell(address, open_page, files):
    page = open_page(DESKTOP).page
    size = {"atoms": 6, "probability": 0.95, "atoms_range": [6, 12]}
    volumes = {"volume": 60.94, "volume_range": [58.46, 124.4]}

    def with_cell(route):
        reply = route.fetch()
        known = volumes if SPINEL in route.request.url else dict.fromkeys(volumes)
        route.fulfill(response=reply, json={**reply.json(), "cell_size": size | known})

    page.route("**/api/predict*", with_cell)
    page.goto(address)
    page.set_input_files("#file", [files / RUTILE, files / SPINEL])
    wait_for_all(page)
    with page.expect_download() as coming:
        page.click("#all-csv")
    rows = csv.DictReader(StringIO(coming.value.path().read_text("utf-8")))
    names = ("atoms", "atoms_range", "volume", "volume_range")
    assert [[row[name] for name in names] for row in rows] == [
        ["6", "6 12", "", ""],
        ["6", "6 12", "60.9", "58.5 124.4"],
    ]


def test_a_link_restores_the_options_of_a_prediction(address, open_page, files):
    page = open_page(DESKTOP).page
    page.goto(address)
    page.click("#examples button:text-is('rutile synchrotron')")
    wait_for_all(page)
    page.click("summary")
    page.fill("[name=composition]", "TiO2")
    page.fill("[name=qmax]", "18")
    page.select_option("[name=coverage]", "0.95")
    page.click("#again")
    page.wait_for_selector("#conditions:has-text('TiO2')")
    wait_for_all(page)
    link = page.get_attribute("#link", "href")
    assert page.url.endswith(link)
    expected = page.inner_text("#prediction")
    # an example needs nothing else
    other = open_page(PHONE).page
    other.goto(address + "/" + link)
    wait_for_all(other)
    assert other.input_value("[name=coverage]") == "0.95"
    assert other.inner_text("#set") == page.inner_text("#set")
    assert "TiO2" in expected and "TiO2" in other.inner_text("#conditions")
    # of a file of one's own, the options wait for the file
    own = open_page(DESKTOP).page
    own.goto(f"{address}/#file=own.gr&qmax=18&length=3")
    own.wait_for_selector("#restored:has-text('own.gr')")
    (files / "own.gr").write_text((files / RUTILE).read_text())
    own.set_input_files("#file", [files / SPINEL, files / "own.gr"])
    wait_for_all(own)
    assert "Q 0.5 to 17 Å⁻¹" in own.inner_text("#conditions")
    open_row(own, "own.gr")
    assert "Q 0.5 to 18 Å⁻¹" in own.inner_text("#conditions")
    assert own.inner_text("#restored") == ""


def shown_range(page):
    """Return the first and the last number below the plot."""
    texts = page.locator("#curves svg text[text-anchor=middle]").all_text_contents()
    numbers = [float(text) for text in texts if text.replace(".", "").isdigit()]
    return min(numbers), max(numbers)


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_the_points_of_the_file_are_shown_with_zoom_and_hover(
    address, open_page, files, width
):
    watched = open_page(width)
    page = watched.page
    page.goto(address)
    page.set_input_files("#file", files / RUTILE)
    wait_for_all(page)
    rows = [
        tuple(map(float, line.split()))
        for line in (files / RUTILE).read_text().splitlines()
        if not line.startswith("#")
    ]
    assert f"{len(rows)} points" in page.inner_text("#curves figcaption")
    page.locator("#curves svg").scroll_into_view_if_needed()
    box = page.locator("#curves svg").bounding_box()
    whole = shown_range(page)
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 100, steps=5)
    page.mouse.up()
    low, high = shown_range(page)
    assert whole[0] <= low < high <= whole[1] and high - low < 5
    assert page.locator("#curves svg circle").count() > 10
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 120)
    words = page.inner_text("#curves .readout").replace("−", "-").split()
    r, g = float(words[1]), float(words[4])
    # a point of the file itself
    assert min(abs(r - x) + abs(g - y) for x, y in rows) < 0.002
    assert low - 1 < r < high + 1
    page.dblclick("#curves svg", position={"x": box["width"] / 2, "y": 100})
    assert shown_range(page) == whole
    page.click("#curves [aria-label='zoom in']")
    assert shown_range(page) != whole
    page.keyboard.press("Enter")
    page.click("#curves [aria-label='the whole range']")
    assert shown_range(page) == whole
    assert watched.complaints == []


def test_the_progress_of_many_files_is_shown(address, open_page, files):
    page = open_page(DESKTOP).page
    page.goto(address)
    names = [files / f"{k}.gr" for k in range(12)]
    for path in names:
        path.write_text((files / RUTILE).read_text())
    page.set_input_files("#file", names)
    assert page.get_attribute("#progress", "max") == "12"
    page.wait_for_selector("#progress", state="hidden")
    wait_for_all(page)
    assert "…" not in page.inner_text("#rows")
