import math
from dataclasses import astuple

import pytest

from gromega.conditions import QUANTITIES, REFERENCE, Box, Conditions
from gromega.sweeps import AXES, BEYOND, get_axis, get_sweep


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
def test_bad_conditions_are_refused(values, shown):
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
    with pytest.raises(ValueError, match="no condition 'qmx'; the conditions are rmin"):
        Conditions.from_mapping({"qmx": 12})


def test_axes_hold_the_values_of_the_paper():
    assert list(AXES) == ["rmax", "qmax", "qdamp", "uiso"]
    assert sum(len(axis.values) for axis in AXES.values()) == 32
    for axis in AXES.values():
        assert getattr(REFERENCE, axis.name) in axis.values


def test_axis_varies_its_own_condition_alone():
    start = Conditions(uiso=0.01)
    along = get_sweep("qmax").conditions(start)
    assert [omega.qmax for omega in along] == list(AXES["qmax"].values)
    assert {omega.at(qmax=23.0) for omega in along} == {start}


def test_axes_beyond_the_paper_s_hold_the_reference():
    assert not set(AXES) & set(BEYOND)
    for axis in BEYOND.values():
        assert getattr(REFERENCE, axis.name) in axis.values
        assert len({axis.key(value) for value in axis.values}) == len(axis.values)
        get_sweep(axis.name).conditions()


def test_a_map_runs_through_all_pairs():
    sweep = get_sweep("rmax-qdamp")
    assert sweep.name == "rmax-qdamp"
    assert sweep.shape == (11, 7)
    keys, omegas = sweep.keys(), sweep.conditions()
    assert keys[:2] == ["10,0.00", "10,0.03"]
    assert keys[-1] == "30,0.15"
    assert (omegas[1].rmax, omegas[1].qdamp) == (10, 0.03)
    assert omegas[keys.index("30,0.04")] == REFERENCE


def test_a_point_that_cannot_be_is_refused():
    # a reference of another Qmin contradicts a value of the axis
    with pytest.raises(ValueError, match="qmax must be above qmin, got qmin 13"):
        get_sweep("qmax").conditions(Conditions(qmin=13.0, qmax=20.0))


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("rmax", ["10", "30"]),
        ("qdamp", ["0.00", "0.15"]),
        ("uiso", ["0.005", "0.010"]),
        ("diameter", ["010", "inf"]),
    ],
)
def test_keys_sort_as_text_like_their_values(name, keys):
    axis = get_axis(name)
    made = [axis.key(value) for value in axis.values]
    assert made == sorted(made)
    assert [made[0], made[-1]] == keys


def test_unknown_axis_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="no axis 'qmx'; the axes are rmax, qmax"):
        get_axis("qmx")


def test_a_box_names_the_conditions_outside_of_it():
    assert Box().outside(REFERENCE) == []
    assert Box().outside(REFERENCE.at(qmax=8.0, qdamp=0.2)) == ["qmax", "qdamp"]


def test_a_box_comes_back_from_its_mapping():
    assert Box.from_mapping(Box().to_mapping()) == Box()


def test_the_box_around_conditions_is_one_point():
    assert all(low == high for low, high in astuple(Box.around(REFERENCE)))


@pytest.mark.parametrize(
    ("ranges", "name"),
    [
        # a range that ends below its start
        ({"qmax": (20.0, 10.0)}, "qmax"),
        # qmin may exceed qmax
        ({"qmin": (0.0, 20.0)}, "qmin"),
    ],
)
def test_a_box_of_impossible_ranges_is_an_error(ranges, name):
    with pytest.raises(ValueError, match=name):
        Box(**ranges)
