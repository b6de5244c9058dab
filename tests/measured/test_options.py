from dataclasses import fields
from inspect import signature

import numpy as np
import pytest

from gromega.conditions import QUANTITIES, Quantity
from gromega.measured.options import ReadOptions
from gromega.measured.pdf import read_pdf


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"qmaxx": 20}, "'qmaxx'"),
        ({"qmax": 100}, "qmax .* 40"),
        ({"qmin": 20, "qmax": 10}, "qmin 20 and qmax 10"),
        ({"quantity": "I(Q)"}, r"I\(Q\)"),
        ({"r_unit": "mm"}, "Å, nm, pm, bohr, got 'mm'"),
        ({"column": 1}, "column .* 2"),
        ({"column": 2.5}, r"column .* 2\.5"),
        ({"radiation": "muon"}, "'muon'"),
        ({"number_density": 0}, "number_density .* 0"),
        ({"number_density": 84}, r"number_density .* 0\.5 .* 84"),
        ({"composition": "Zr(HPO4"}, "SrTiO3"),
        ({"composition": "Qq2"}, "Qq2"),
    ],
)
def test_options_that_are_not_allowed_are_named(options, named):
    with pytest.raises(ValueError, match=named):
        ReadOptions.from_mapping(options)


def test_options_are_those_of_read_pdf_and_the_conditions():
    own = [
        name for name, p in signature(read_pdf).parameters.items() if p.default is None
    ]
    assert [each.name for each in fields(ReadOptions)] == [*own, *QUANTITIES]
    for each in fields(ReadOptions):
        assert isinstance(each.metadata["quantity"], Quantity)


def test_given_options_leave_out_the_others():
    options = ReadOptions(r_unit="nm", qmax=20)
    assert options.given() == {"r_unit": "nm", "qmax": 20.0}
    assert options.conditions() == {"qmax": 20.0}


def test_a_diameter_of_none_is_infinite():
    assert ReadOptions.from_mapping({"diameter": None}).diameter == np.inf


@pytest.mark.parametrize("name", ["unknown", "Unknown"])
def test_an_unknown_composition_is_not_parsed(name):
    assert ReadOptions(composition=name).without_composition
