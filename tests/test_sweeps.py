import math

import pytest

from gromega.conditions import QUANTITIES, REFERENCE
from gromega.defects import NO_DEFECTS, Defects
from gromega.sweeps import (
    AXES,
    BEYOND,
    Axis,
    Sweep,
    get_axis,
    get_sweep,
    point_text,
    sweep_of_keys,
)

ALL = {**AXES, **BEYOND}


@pytest.mark.parametrize("axis", ALL.values(), ids=ALL)
def test_an_axis_has_the_reference_among_its_values(axis):
    of = REFERENCE if axis.name in QUANTITIES else NO_DEFECTS
    assert getattr(of, axis.name) in axis.values


@pytest.mark.parametrize("axis", ALL.values(), ids=ALL)
def test_keys_differ_and_sort_as_the_values_do(axis):
    keys = [axis.key(value) for value in axis.values]
    assert len(set(keys)) == len(keys)
    positive = [key for key in keys if key[0] not in "+-"]
    if not axis.quantity.choices:
        assert len({len(key) for key in keys}) == 1
        assert sorted(positive) == positive


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("rmax", 20, "20"),
        ("qdamp", 0.03, "0.03"),
        ("diameter", math.inf, "inf"),
        ("diameter", 15, "015"),
        ("r_offset", 0.05, "+0.05"),
        ("radiation", "neutron", "neutron"),
    ],
)
def test_the_key_of_a_value(name, value, key):
    assert get_axis(name).key(value) == key


@pytest.mark.parametrize(
    ("name", "values", "keys"),
    [
        ("rmax", [30, 10], ["10", "30"]),
        ("rmax", [10, 12.5], ["10.0", "12.5"]),
        ("qdamp", [0.125, 0.0], ["0.000", "0.125"]),
        ("diameter", [math.inf, 8], ["008", "inf"]),
        ("diameter", [20, 1000, math.inf], ["0020", "1000", "inf"]),
        ("radiation", ["neutron"], ["neutron"]),
    ],
)
def test_an_axis_takes_other_values(name, values, keys):
    axis = get_axis(name, values)
    assert [axis.key(value) for value in axis.values] == keys
    assert [float(k) if k[0] != "n" else k for k in keys] == list(axis.values)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("rmax", []), ("rmax", [10, 10.0]), ("qmax", [-1]), ("uiso", ["0.01"]),
        ("radiation", ["light"]), ("qdamp", [math.nan]),
    ],
)  # fmt: skip
def test_values_that_are_not_allowed_are_refused(name, values):
    with pytest.raises(ValueError, match=name):
        get_axis(name, values)


def test_a_sweep_varies_one_condition():
    omegas = get_sweep("rmax").conditions(REFERENCE.at(qmax=20.0))
    assert [omega.rmax for omega in omegas] == list(AXES["rmax"].values)
    assert {omega.at(rmax=30.0) for omega in omegas} == {REFERENCE.at(qmax=20.0)}


def test_an_axis_of_a_defect_varies_that_defect_at_the_same_conditions():
    sweep = get_sweep("rmax-second_phase")
    n = len(BEYOND["second_phase"].values)
    assert [omega.rmax for omega in sweep.conditions()[::n]] == list(
        AXES["rmax"].values
    )
    shares = [defects.second_phase for defects in sweep.defects()[:n]]
    assert shares == list(BEYOND["second_phase"].values)
    assert sweep.defects()[1] == Defects(second_phase=0.1)
    assert set(get_sweep("rmax").defects()) == {NO_DEFECTS}
    assert set(get_sweep("wave").conditions()) == {REFERENCE}


def test_a_map_has_all_pairs_the_last_axis_fastest():
    sweep = Sweep((Axis("uiso", (0.1, 0.2), 1), Axis("noise", (0.0, 0.3), 1)))
    assert sweep.name == "uiso-noise"
    assert sweep.shape == (2, 2)
    assert sweep.keys() == ["0.1,0.0", "0.1,0.3", "0.2,0.0", "0.2,0.3"]
    pairs = [(omega.uiso, omega.noise) for omega in sweep.conditions()]
    assert pairs == [(0.1, 0.0), (0.1, 0.3), (0.2, 0.0), (0.2, 0.3)]


@pytest.mark.parametrize("name", ["rmax", "uiso-qdamp"])
def test_a_sweep_is_found_by_its_name(name):
    assert get_sweep(name).name == name


@pytest.mark.parametrize("name", ["rmx", "rmax-rmx", "rmax-rmax", "rmax-qmax-uiso"])
def test_an_impossible_sweep_is_refused(name):
    with pytest.raises(ValueError, match=r"rmx|rmax"):
        get_sweep(name)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        *((name, None) for name in ALL),
        ("diameter", {"diameter": [7.5, 15, math.inf]}),
        ("rmax-qdamp", {"qdamp": [0.0, 0.125]}),
        ("radiation-r_offset", None),
    ],
)
def test_the_keys_of_a_sweep_are_enough_to_make_it_again(name, values):
    sweep = get_sweep(name, values)
    again = sweep_of_keys(name, sweep.keys())
    assert again.keys() == sweep.keys()
    assert again.conditions() == sweep.conditions()
    assert again.defects() == sweep.defects()


def test_points_have_their_units():
    assert point_text("rmax", "20") == "20 Å"
    assert point_text("rmax-radiation", "20,neutron") == "20 Å, neutron"
