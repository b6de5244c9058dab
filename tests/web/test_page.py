import math
import re
from dataclasses import fields
from html import unescape

import pytest

from gromega.measured.options import FUNCTIONS, R_UNITS, ReadOptions
from gromega.web.options import RequestOptions
from gromega.web.page import PAGE

READ = {each.name: each.metadata["quantity"] for each in fields(ReadOptions)}
LABELS = {
    re.search(r'name="(\w+)"', label)[1]: unescape(label)
    for label in re.findall(r"<label title=.*?</label>", PAGE)
}


def test_the_form_has_the_options_that_a_user_chooses():
    assert set(RequestOptions.model_fields) - set(LABELS) == {
        "name", "reliability", "explain",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["qmin", "qmax", "qdamp", "qbroad", "rmin", "rmax"])
def test_a_field_shows_label_unit_bounds_and_help_of_its_condition(name):
    quantity = READ[name]
    assert f"{quantity.label} ({quantity.unit})" in LABELS[name]
    assert f'title="{quantity.help}"' in LABELS[name]
    assert f'min="{quantity.low:g}"' in LABELS[name]
    assert (f'max="{quantity.high:g}"' in LABELS[name]) == math.isfinite(quantity.high)


@pytest.mark.parametrize(
    ("name", "values"), [("quantity", FUNCTIONS), ("r_unit", R_UNITS)]
)
def test_a_choice_offers_the_values_of_the_reader(name, values):
    offered = re.findall(r'<option value="([^"]*)">', LABELS[name])
    assert offered == ["", *values]


def test_all_parts_are_in_the_page():
    assert "{{" not in PAGE
    assert PAGE.count("<style>") == PAGE.count("<script>") == 1
