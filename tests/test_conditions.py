import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gromega.conditions import (
    NUMERIC_FIELDS,
    QUANTITIES,
    REFERENCE,
    Box,
    Conditions,
    Quantity,
)


def test_reference_is_table_1_of_the_paper():
    assert (REFERENCE.rmin, REFERENCE.rmax) == (1.5, 30)
    assert (REFERENCE.qmin, REFERENCE.qmax) == (0.5, 23)
    assert (REFERENCE.qdamp, REFERENCE.qbroad, REFERENCE.uiso) == (0.04, 0.01, 0.008)
    assert math.isinf(REFERENCE.diameter)


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        # limits that contradict one another: both are shown
        ({"qmax": 0.4}, "qmin 0.5 and qmax 0.4"),
        ({"rmin": 30}, "rmin 30 and rmax 30"),
        # a value outside what physics allows: shown with the bound
        ({"qdamp": -0.1}, r"qdamp .* 0 Å⁻¹, got -0\.1"),
        ({"uiso": 0}, "uiso .* 0 Å²"),
        ({"diameter": 0}, "diameter .* 0 Å"),
        ({"rmax": math.nan}, "rmax .* nan"),
        ({"rmax": math.inf}, "rmax .* inf"),
        ({"r_offset": -1.5}, r"r_offset .* -1 Å, got -1\.5"),
        ({"r_scale": 0.7}, r"r_scale .* 0\.8, got 0\.7"),
        # more than the r grid can hold
        ({"qmax": 40}, "qmax .* 40 Å⁻¹"),
        ({"rmax": 501}, "rmax .* 500 Å"),
        # not a number: shown as it was given
        ({"qmax": "wide"}, "qmax .* 'wide'"),
        ({"qmax": True}, "qmax .* True"),
        # an unknown radiation: the choices are named
        ({"radiation": "muon"}, "xray, neutron"),
    ],
)
def test_bad_conditions_are_an_error(values, shown):
    with pytest.raises(ValueError, match=shown):
        Conditions(**values)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("qdamp", 0.04, "0.04 Å⁻¹"),
        ("rmax", "08", "8 Å"),  # the key of an axis
        ("diameter", None, "∞ Å"),  # as JSON holds it
        ("diameter", "inf", "∞ Å"),
        ("uiso", "0.005", "0.005 Å²"),
        ("noise", 0.1, "0.1"),
        ("radiation", "xray", "xray"),
    ],
)
def test_values_are_shown_with_their_units(name, value, text):
    assert QUANTITIES[name].with_unit(value) == text


def test_mapping_round_trip_keeps_every_value():
    omega = Conditions(qmax=18, delta2=2.0, diameter=40.0, radiation="neutron")
    assert Conditions.from_mapping(omega.to_mapping()) == omega
    assert Conditions.from_mapping(REFERENCE.to_mapping()) == REFERENCE


def test_unknown_condition_is_named_with_the_known_ones():
    with pytest.raises(ValueError, match="'qmx'"):
        Conditions.from_mapping({"qmx": 12})


@pytest.mark.parametrize(
    ("bounds", "value", "named"),
    [
        # a bound that is allowed itself, and one that is not
        ({"low": 1.0}, 0.9, r"at least 1 mm, got 0\.9"),
        ({"low": 1.0, "open_low": True}, 1.0, "above 1 mm, got 1"),
        ({"high": 2.0}, 2.1, r"at most 2 mm, got 2\.1"),
        ({"high": 2.0, "open_high": True}, 2.0, "below 2 mm, got 2"),
        ({}, math.inf, "inf"),
        ({"infinite": True}, -math.inf, "-inf"),
        ({"choices": ("a", "b")}, "c", "a, b, got 'c'"),
    ],
)
def test_a_value_outside_the_bounds_is_an_error(bounds, value, named):
    with pytest.raises(ValueError, match=named):
        Quantity("width", "w", "mm", "The width.", **bounds).checked("width", value)


def test_a_value_within_the_bounds_is_a_float():
    width = Quantity("width", "w", "mm", "The width.", low=1.0, infinite=True)
    assert width.checked("width", 1) == 1.0
    assert math.isinf(width.checked("width", math.inf))


def test_the_help_ends_with_the_unit():
    assert QUANTITIES["rmax"].help_with_unit == "The end of the range of G(r), in Å."
    assert QUANTITIES["r_scale"].help_with_unit == QUANTITIES["r_scale"].help


@given(st.data())
def test_conditions_of_a_box_lie_inside_of_it(data):
    box = Box()
    values = {
        name: data.draw(st.floats(*getattr(box, name))) for name in NUMERIC_FIELDS
    }
    omega = Conditions(**values)
    assert box.outside(omega) == []
    assert Conditions.from_mapping(omega.to_mapping()) == omega


def test_conditions_outside_of_a_box_are_named():
    assert Box().outside(REFERENCE.at(qmax=8.0, qdamp=0.2)) == ["qmax", "qdamp"]
    assert Box.around(REFERENCE).outside(REFERENCE) == []


@pytest.mark.parametrize(
    ("ranges", "named"),
    [
        ({"qmax": (20.0, 10.0)}, "qmax"),
        ({"qmin": (0.0, 20.0)}, "qmin"),
        ({"uiso": (0.0, 0.1)}, "uiso"),
    ],
)
def test_a_bad_range_of_a_box_is_named(ranges, named):
    with pytest.raises(ValueError, match=named):
        Box(**ranges)


def test_mapping_round_trip_keeps_every_range():
    assert Box.from_mapping(Box().to_mapping()) == Box()
