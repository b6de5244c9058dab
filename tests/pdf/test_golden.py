"""The native engine against curves made with diffpy.srreal 1.4.0."""

import json

import numpy as np
import pytest
from conftest import DATA, read_crystals

from gromega.conditions import Conditions
from gromega.pdf.bins import DMAX
from gromega.pdf.operator import apply_operator, build_operator
from gromega.pdf.spectrum import make_spectra

TOLERANCE = 5e-5
"""Of max |G - G_srreal| over the curve's peak-to-peak."""


def errors(crystals, curves):
    """Yield condition, radiation, and the relative error of each crystal."""
    density = np.array([crystal.density for crystal in crystals])
    for radiation in ("xray", "neutron"):
        spectra = make_spectra(crystals, radiation, DMAX)
        for k, values in enumerate(json.loads(str(curves["conditions"]))):
            name = f"{radiation}_{k}"
            if name not in curves:
                continue
            op = build_operator(Conditions(**values, radiation=radiation), DMAX)
            np.testing.assert_allclose(op.r, curves[f"r_{k}"], atol=1e-9)
            g = apply_operator(op, spectra, density)
            span = np.ptp(curves[name], axis=1)
            yield values, radiation, np.abs(g - curves[name]).max(axis=1) / span


def test_classics_equal_srreal(classics):
    with np.load(DATA / "classics.npz") as file:
        curves = dict(file)
    checked = 0
    for values, radiation, error in errors(classics, curves):
        assert error.max() <= TOLERANCE, (values, radiation, error.argmax())
        checked += error.size
    assert checked == 16 * 17


def test_real_crystals_equal_srreal(shared):
    crystals = read_crystals(shared / "golden" / "crystals.json")
    with np.load(shared / "golden" / "srreal.npz") as file:
        curves = dict(file)
    checked = 0
    for values, radiation, error in errors(crystals, curves):
        worst = crystals[error.argmax()].id
        assert error.max() <= TOLERANCE, (values, radiation, worst)
        checked += error.size
    assert checked == 118 * 14


def test_scattering_lengths_equal_srreal(shared):
    from gromega.pdf.scattering import scattering_table

    content = (shared / "golden" / "scattering_factors.json").read_text()
    for symbol, values in json.loads(content).items():
        for radiation in ("xray", "neutron"):
            got = scattering_table(radiation)[values["z"]]
            assert got == pytest.approx(values[radiation], abs=1e-5), symbol
