"""The web page in a real browser, served by the command that users give."""

import json

import numpy as np
import pytest
from pages import DESKTOP, PHONE, RUTILE, wait_for_all

from gromega.measured.examples import EXAMPLES
from gromega.model.prediction_figure import smooth
from gromega.pdf.network_grid import INPUT_R


def predict_rutile(page, address, files):
    page.goto(address)
    page.set_input_files("#file", files / RUTILE)
    wait_for_all(page)


@pytest.mark.parametrize(("width", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")])
def test_a_prediction_comes_with_reliability_importance_and_matches(
    address, open_page, files, width, scheme
):
    watched = open_page(width, scheme)
    page = watched.page
    predict_rutile(page, address, files)
    assert page.inner_text("#title") == RUTILE
    assert page.locator("#groups tr").count() == 6
    # the verdict, the plot, and then the tables
    assert page.inner_text("#verdict")
    tops = [
        page.locator(name).bounding_box()["y"]
        for name in ("#verdict", "#curves svg", "#groups", "#matches")
    ]
    assert tops == sorted(tops)
    assert "of 7 space groups" in page.inner_text("#set")
    assert "(if 18\u00a0% of all" in page.inner_text("#set")
    assert "16 test crystals" in page.inner_text("#reliability")
    assert page.locator("#matches tbody tr").count() == 5
    assert page.locator("#matches tbody tr").first.inner_text().split()[1] == "rutile"
    assert page.locator("#importance svg rect").count() > 20
    page.click("#more")
    assert page.locator("#groups tr").count() == 7
    before = page.inner_html("#curves")
    page.locator("#matches input").nth(1).check()
    assert page.inner_html("#curves") != before
    # nothing wider than the screen, nothing from other hosts, no console messages
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    table = page.locator("#prediction .table").first
    assert table.evaluate("table => table.scrollWidth - table.clientWidth") <= 0
    assert all(url.startswith((address, "data:")) for url in watched.asked)
    assert watched.complaints == []


def test_the_size_of_the_primitive_cell_is_shown(address, open_page, files):
    page = open_page(DESKTOP).page

    # the model of this server does not know it
    def with_cell(route):
        reply = route.fetch()
        cell = {
            "atoms": 6, "probability": 0.95, "atoms_range": [6, 12],
            "volume": 1060.9, "volume_range": [58.46, 124.4],
        }  # fmt: skip
        route.fulfill(response=reply, json={**reply.json(), "cell_size": cell})

    predict_rutile(page, address, files)
    assert "Primitive cell" not in page.inner_text("#symmetry")
    page.route("**/api/predict*", with_cell)
    predict_rutile(page, address, files)
    shown = page.inner_text("#symmetry").replace("\u00a0", " ")
    assert "Primitive cell: 6 atoms (95 %; 90 % interval 6 to 12)" in shown
    assert "cell: 1060 Å³ (90 % interval 58.5 to 124)" in shown


def test_curves_are_as_fine_as_those_of_the_command_line(address, open_page):
    page = open_page(DESKTOP).page
    page.goto(address)
    for n in (4, 5, 30):
        g = np.sin(3 * INPUT_R[:n]) / INPUT_R[:n]
        curve = {"x": INPUT_R[:n].tolist(), "y": g.tolist()}
        found = page.evaluate("smooth", curve)
        r, fine = smooth(INPUT_R[:n], g)
        assert np.allclose(found["x"], r) and np.allclose(found["y"], fine)


def test_predictions_are_saved_as_json_csv_and_png(address, open_page, files):
    page = open_page(DESKTOP).page
    predict_rutile(page, address, files)
    saved = {}
    for ending in ("json", "csv", "png"):
        with page.expect_download() as coming:
            page.click(f"#{ending}")
        assert coming.value.suggested_filename == f"rutile-synchrotron.{ending}"
        saved[ending] = coming.value.path().read_bytes()
    prediction = json.loads(saved["json"])
    assert all(prediction[part] for part in ("reliability", "importance", "matches"))
    rows = saved["csv"].decode().splitlines()
    assert rows[0] == "rank,number,symbol,system,probability,in_set"
    assert [int(row.split(",")[1]) for row in rows[1:]] == [
        group["number"] for group in prediction["groups"]
    ]
    assert saved["png"].startswith(b"\x89PNG") and len(saved["png"]) > 10_000


def test_invalid_and_huge_files_give_a_line_and_no_prediction(
    address, open_page, files
):
    watched = open_page(PHONE)
    page = watched.page
    page.goto(address)
    for name, line in (("wrong.gr", "wrong.gr"), ("huge.gr", "4 MiB")):
        page.set_input_files("#file", files / name)
        page.wait_for_selector(f"#problem:has-text('{line}')")
        assert page.is_hidden("#prediction")
    page.set_input_files("#file", files / RUTILE)
    wait_for_all(page)
    assert page.inner_text("#problem") == ""
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE


def test_the_form_changes_the_conditions(address, open_page, files):
    page = open_page(DESKTOP).page
    predict_rutile(page, address, files)
    assert "Q 0.5 to 25 Å⁻¹" in page.inner_text("#conditions")
    page.click("summary")
    page.fill("[name=qmax]", "18")
    page.select_option("[name=radiation]", "neutron")
    page.click("#again")
    page.wait_for_selector("#conditions:has-text('neutrons')")
    assert "Q 0.5 to 18 Å⁻¹" in page.inner_text("#conditions")


def test_assumed_conditions_are_named(address, open_page, files):
    page = open_page(DESKTOP).page
    predict_rutile(page, address, files)
    assert "Assumed" not in page.inner_text("#conditions")
    text = EXAMPLES[RUTILE]
    kept = [line for line in text.splitlines() if not line.startswith("# q")]
    (files / "bare.gr").write_text("\n".join(kept))
    page.set_input_files("#file", files / "bare.gr")
    wait_for_all(page)
    assert ": Qmin, Qmax, Qdamp, Qbroad" in page.inner_text("#conditions")
    page.click("summary")
    page.fill("[name=qmax]", "18")
    page.click("#again")
    page.wait_for_selector("#conditions:has-text('stated: Qmin, Qdamp, Qbroad')")


def test_a_prediction_with_the_composition_states_it(address, open_page, files):
    page = open_page(DESKTOP).page
    predict_rutile(page, address, files)
    for part in ("#neighbours", "#reliability", "#conditions"):
        assert "composition" not in page.inner_text(part)
    page.click("summary")
    page.fill("[name=composition]", "TiO2")
    page.click("#again")
    page.wait_for_selector("#conditions:has-text('composition TiO2')")
    wait_for_all(page)
    assert "composition like TiO2" in page.inner_text("#neighbours")
    assert "TiO2 (rutile, " in page.inner_text("#neighbours")
    assert "with their compositions" in page.inner_text("#reliability")


def test_the_keyboard_is_enough(address, open_page):
    page = open_page(DESKTOP).page
    page.goto(address)
    page.wait_for_selector("#examples button")
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "spinel laboratory":
            break
    page.keyboard.press("Enter")
    wait_for_all(page)
    assert page.inner_text("#title") == "spinel-laboratory.gr"
    # users of a keyboard or a screen reader continue at the prediction
    assert page.evaluate("document.activeElement.id") == "title"
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "more":
            break
    page.keyboard.press("Enter")
    assert page.locator("#groups tr").count() == 7


def test_two_users_at_once_get_their_own_predictions(address, open_page, files):
    names = [RUTILE, "strontium-titanate-neutrons.gr"]
    pages = [open_page(DESKTOP).page for _ in names]
    for page in pages:
        page.goto(address)
    for page, name in zip(pages, names, strict=True):
        page.set_input_files("#file", files / name)
    for page, name, rays in zip(pages, names, ("x-rays", "neutrons"), strict=True):
        wait_for_all(page)
        assert page.inner_text("#title") == name
        assert page.inner_text("#conditions").startswith(rays)
