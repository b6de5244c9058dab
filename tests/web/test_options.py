import inspect
import io
import math

import pytest
from pydantic import ValidationError

from gromega import read_pdf
from gromega.conditions import QUANTITIES as CONDITIONS
from gromega.conditions import RADIATIONS
from gromega.measured.pdf import QUANTITIES, R_UNITS
from gromega.model.conformal import COVERAGES
from gromega.web.options import PredictOptions, bounds_of, choices_of
from gromega.web.page import EXAMPLES

FIELDS = PredictOptions.model_fields
NOT_FOR_READER = {"name", "coverage", "reliability", "explain"}


def test_options_are_those_of_the_reader():
    stated = inspect.signature(read_pdf).parameters
    named = {name for name, each in stated.items() if each.kind is each.KEYWORD_ONLY}
    assert named < set(FIELDS)
    assert set(FIELDS) - NOT_FOR_READER - named < set(CONDITIONS)


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("quantity", QUANTITIES),
        ("r_unit", R_UNITS),
        ("radiation", RADIATIONS),
        ("coverage", COVERAGES),
    ],
)
def test_choices_are_those_of_the_reader(name, choices):
    assert choices_of(FIELDS[name]) == list(choices)
    for choice in choices:
        assert getattr(PredictOptions(**{name: choice}), name) == choice


@pytest.mark.parametrize("name", ["qmin", "qmax", "qdamp", "qbroad", "rmin", "rmax"])
def test_conditions_have_the_bounds_and_texts_of_their_quantities(name):
    quantity, field = CONDITIONS[name], FIELDS[name]
    finite = {} if math.isinf(quantity.high) else {"max": quantity.high}
    assert bounds_of(field) == {"min": quantity.low} | finite
    assert quantity.unit in field.title
    assert field.description == quantity.help
    with pytest.raises(ValidationError, match=name):
        PredictOptions(**{name: quantity.low - 0.1})


def test_only_given_options_go_to_the_reader():
    options = PredictOptions(r_unit="pm", rmax=20, reliability=False)
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
