import pytest

from gromega.conditions import REFERENCE, Conditions
from gromega.sweeps import AXES, BEYOND, get_axis, get_sweep


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


def test_a_point_with_contradictory_conditions_is_an_error():
    # a reference of another Qmin contradicts a value of the axis
    with pytest.raises(ValueError, match="qmin 13"):
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


def test_an_unknown_axis_is_named():
    with pytest.raises(ValueError, match="'qmx'"):
        get_axis("qmx")
