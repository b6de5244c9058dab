import io
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pdf_dialects import random_case, random_curves, verdict

from gromega.measured.pdf import read_pdf


@pytest.fixture(scope="module")
def curves(classics):
    return random_curves(classics, 6, 0)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_a_known_curve_is_read_right_or_refused(curves, seed):
    rng = Random(seed)
    case = random_case(rng, rng.choice(curves))
    file = io.StringIO(case.content)
    file.name = case.name
    try:
        pdf = read_pdf(file, **case.options)
    except ValueError as error:
        assert "\n" not in str(error)
        return
    assert verdict(case, pdf) in ("right", "noted")
