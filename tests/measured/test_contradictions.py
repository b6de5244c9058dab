from io import StringIO

import numpy as np
import pytest

from gromega import read_pdf

R = np.arange(1.5, 25, 0.02)
ROWS = "\n".join(f"{x:.3f} {np.sin(3 * x):.5f}" for x in R)


def notes(head, **options):
    found = read_pdf(StringIO(f"{head}\n{ROWS}\n"), **options).notes
    return [note for note in found if "option" in note]


@pytest.mark.parametrize(
    ("head", "options", "named"),
    [
        # a condition: its name and both values
        ("# qmax = 23.0", {"qmax": 25.0}, ("qmax", "23", "25")),
        ("# radiation = xray", {"radiation": "neutron"}, ("xray", "neutron")),
        # other elements, or other ratios
        ("# composition = TiO2", {"composition": "Ti2O3"}, ("TiO2", "Ti2O3")),
        # a unit and a function that the labels state
        ("# r (nm)  G(r)", {"r_unit": "Å"}, ("nm", "Å")),
        ("# r (Å)  D(r)", {"quantity": "G(r)"}, ("D(r)", "G(r)")),
    ],
)
def test_an_option_that_contradicts_the_header_is_named(head, options, named):
    (note,) = notes(head, **options)
    assert all(word in note for word in named)


@pytest.mark.parametrize(
    ("head", "options"),
    [
        # the same value
        ("# qmax = 23.0", {"qmax": 23.0}),
        ("# composition = TiO2", {"composition": "Ti2O4"}),
        # nothing is stated
        ("# a sample", {"qmax": 25.0, "composition": "TiO2", "radiation": "neutron"}),
        ("# composition = N/A", {"composition": "TiO2"}),
        # an option that asks to leave the composition out
        ("# composition = TiO2", {"composition": "unknown"}),
        # a label with two meanings
        ("# r  G(r)", {"quantity": "Keen G(r)"}),
    ],
)
def test_an_option_that_agrees_needs_no_note(head, options):
    assert notes(head, **options) == []
