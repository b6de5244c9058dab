import io
import math
from dataclasses import fields

import pytest
from pydantic import ValidationError

from gromega import read_pdf
from gromega.conditions import RADIATIONS
from gromega.measured.examples import EXAMPLES
from gromega.measured.options import FUNCTIONS, R_UNITS, ReadOptions
from gromega.model.calibration import COVERAGES
from gromega.model.familiarity import STRUCTURE_TYPES
from gromega.web.options import RequestOptions, bounds_of, choices_of

READ = {each.name: each.metadata["quantity"] for each in fields(ReadOptions)}
FIELDS = RequestOptions.model_fields
NOT_FOR_READER = {"name", "coverage", "reliability", "explain", "structure_type"}


def test_options_are_those_of_the_reader():
    assert set(FIELDS) - NOT_FOR_READER < set(READ)


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("quantity", FUNCTIONS),
        ("r_unit", R_UNITS),
        ("radiation", RADIATIONS),
        ("coverage", COVERAGES),
        ("structure_type", STRUCTURE_TYPES),
    ],
)
def test_choices_are_those_of_the_reader(name, choices):
    assert choices_of(FIELDS[name]) == list(choices)
    for choice in choices:
        assert getattr(RequestOptions(**{name: choice}), name) == choice


@pytest.mark.parametrize("name", ["qmin", "qmax", "qdamp", "qbroad", "rmin", "rmax"])
def test_conditions_have_the_bounds_and_texts_of_their_quantities(name):
    quantity, field = READ[name], FIELDS[name]
    finite = {} if math.isinf(quantity.high) else {"max": quantity.high}
    assert bounds_of(field) == {"min": quantity.low} | finite
    assert quantity.unit in field.title
    assert field.description == quantity.help
    with pytest.raises(ValidationError, match=name):
        RequestOptions(**{name: quantity.low - 0.1})


def test_only_given_options_go_to_the_reader():
    options = RequestOptions(r_unit="pm", rmax=20, reliability=False)
    assert options.for_reader() == {"r_unit": "pm", "rmax": 20}
    in_pm = "\n".join(
        f"{100 * float(r):g} {g}"
        for r, g in (
            line.split()
            for line in EXAMPLES["rutile-synchrotron.gr"].splitlines()
            if not line.startswith("#")
        )
    )
    pdf = read_pdf(io.StringIO(in_pm), **options.for_reader())
    assert 19.9 < pdf.r[-1] <= 20
