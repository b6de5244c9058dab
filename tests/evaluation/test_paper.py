import json

import pytest

from gromega.conditions import REFERENCE
from gromega.evaluation.paper import PAPER_REFERENCE, PAPER_SWEEPS, reported
from gromega.sweeps import AXES, BEYOND


def test_curves_are_at_the_values_of_our_axes():
    assert list(PAPER_SWEEPS) == list(AXES)
    for name, axis in AXES.items():
        assert PAPER_SWEEPS[name]["value"] == axis.values


@pytest.mark.parametrize("name", list(AXES))
@pytest.mark.parametrize("top", ["top1", "top6"])
def test_curves_pass_through_the_reference(name, top):
    at = AXES[name].values.index(getattr(REFERENCE, name))
    assert PAPER_SWEEPS[name][top][at] == PAPER_REFERENCE[top]


def test_values_are_those_of_the_published_tables(shared):
    tables = json.loads((shared / "paper" / "tables.json").read_text())
    assert tables["reference"] == PAPER_REFERENCE
    for name, sweep in PAPER_SWEEPS.items():
        for key, values in sweep.items():
            assert list(values) == tables["sweeps"][name][key]


def test_values_are_found_by_the_key_of_the_axis():
    assert reported(AXES["qdamp"])["0.15"] == (0.234, 0.578)
    assert reported(BEYOND["noise"]) == {}
