import numpy as np
import pytest
from scipy.interpolate import interp1d

from gromega.conditions import REFERENCE, Conditions
from gromega.pdf.bins import DMAX
from gromega.pdf.network_grid import (
    INPUT_R,
    input_operator,
    points_within,
    simulate_input,
    to_unit,
)
from gromega.pdf.operator import apply_operator, build_operator
from gromega.pdf.spectrum import make_spectra


def test_input_is_the_quadratic_interpolation_of_the_calculated_grid(classics):
    spectra = make_spectra(classics, "xray", DMAX)
    density = [crystal.density for crystal in classics]
    fine = build_operator(REFERENCE.at(rmin=1.4), DMAX)
    exact = interp1d(fine.r, apply_operator(fine, spectra, density), kind="quadratic")
    got = apply_operator(input_operator(REFERENCE.at(rmin=1.4), DMAX), spectra, density)
    assert INPUT_R.size == 209
    np.testing.assert_allclose(got[:, 20:], exact(INPUT_R)[:, 20:], atol=2e-3)


def test_input_is_zero_beyond_rmax(nickel):
    op = input_operator(Conditions(rmax=10.0), DMAX)
    g = apply_operator(op, make_spectra([nickel], "xray", DMAX), [nickel.density])[0]
    assert np.abs(g[INPUT_R < 9.8]).max() > 5
    assert np.abs(g[INPUT_R > 11.0]).max() < 0.02


def test_simulated_input_is_the_operator_with_the_noise_of_each_crystal(classics):
    spectra = make_spectra(classics[:3])
    density = [crystal.density for crystal in classics[:3]]
    ids = [crystal.id for crystal in classics[:3]]
    clean = apply_operator(input_operator(REFERENCE, DMAX), spectra, density)
    quiet = simulate_input(spectra, density, ids, REFERENCE, DMAX)
    np.testing.assert_array_equal(quiet, clean)
    noisy = simulate_input(spectra, density, ids, REFERENCE.at(noise=0.1), DMAX)
    rms = np.sqrt(np.mean((noisy - clean) ** 2) / np.mean(clean**2))
    assert rms == pytest.approx(0.1, rel=0.3)


@pytest.mark.parametrize(
    ("rmin", "rmax", "n"),
    [
        # the whole grid: all points
        (1.5, 30.0, 209),
        # the ends count
        (INPUT_R[3], INPUT_R[5], 3),
        # between two points: none
        (1.51, 1.52, 0),
    ],
)
def test_points_within_a_range_include_its_ends(rmin, rmax, n):
    assert points_within(rmin, rmax).sum() == n


def test_scaled_curves_span_zero_to_one_and_a_constant_is_zero():
    g = np.array([[-2.0, 0.0, 6.0], [3.0, 3.0, 3.0]])
    np.testing.assert_array_equal(to_unit(g), [[0, 0.25, 1], [0, 0, 0]])
