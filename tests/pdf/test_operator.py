import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import brute_force
from hypothesis import given, settings
from hypothesis import strategies as st

from gromega.conditions import GRID_STEP, REFERENCE, Conditions
from gromega.pdf import operator as operators
from gromega.pdf.bins import DMAX, n_bins
from gromega.pdf.operator import (
    apply_operator,
    build_operator,
    calculation_grid,
    grid_size,
    operator_arrays,
    reach,
    theta_of,
)
from gromega.pdf.spectrum import make_spectra


def pdf(crystal, omega):
    op = build_operator(omega, DMAX)
    spectra = make_spectra([crystal], "xray", DMAX)
    return op.r, apply_operator(op, spectra, [crystal.density])[0]


def test_grid_is_that_of_pdfcalculator():
    r = build_operator(Conditions(rmax=10.0), DMAX).r
    assert r.size == 108
    np.testing.assert_allclose(np.diff(r), np.pi / 40)
    assert r[0] >= 1.5 > r[0] - GRID_STEP
    assert r[-1] <= 10.0 < r[-1] + GRID_STEP


def test_instrument_damps_by_the_gaussian_envelope(nickel):
    r, damped = pdf(nickel, REFERENCE.at(qdamp=0.1))
    _, bare = pdf(nickel, REFERENCE.at(qdamp=0.0))
    np.testing.assert_allclose(
        damped, bare * np.exp(-((0.1 * r) ** 2) / 2), atol=2e-5 * np.ptp(bare)
    )


def test_sphere_ends_the_pdf_at_its_diameter(nickel):
    r, sphere = pdf(nickel, REFERENCE.at(diameter=20.0))
    _, bulk = pdf(nickel, REFERENCE)
    assert np.abs(sphere[r > 20.0]).max() == 0
    at = np.argmin(np.abs(r - 10.0))
    x = r[at] / 20.0
    assert sphere[at] == pytest.approx(bulk[at] * (1 - 1.5 * x + 0.5 * x**3), rel=1e-3)


def test_rmax_cuts_without_changing_what_is_inside(nickel):
    # away from the cut, whose ripples fade within a few 2π/Qmax
    r, short = pdf(nickel, REFERENCE.at(rmax=15.0))
    _, long = pdf(nickel, REFERENCE)
    inside = r < 12.0
    np.testing.assert_allclose(
        short[inside], long[: r.size][inside], atol=0.02 * np.ptp(long)
    )


def test_nothing_is_left_outside_the_measured_band(nickel):
    # G of a long range, transformed again, has no F(Q) beyond Qmax
    r, g = pdf(nickel, REFERENCE.at(rmin=0.0, qmax=12.0, qdamp=0.12))
    q = np.linspace(1.0, 30.0, 200)
    f = np.abs(np.sin(np.outer(q, r)) @ g) * GRID_STEP
    assert f[q > 13.5].max() < 0.01 * f.max()


def test_correlated_motion_sharpens_the_first_peak_alone(nickel):
    r, moving = pdf(nickel, REFERENCE.at(delta2=2.0))
    _, plain = pdf(nickel, REFERENCE)
    first = np.abs(r - 2.49) < 0.3
    assert moving[first].max() > 1.1 * plain[first].max()
    far = r > 20
    np.testing.assert_allclose(moving[far], plain[far], atol=0.01 * np.ptp(plain))


@pytest.mark.parametrize("name", ["uiso", "qdamp", "qbroad", "delta2", "diameter"])
def test_operator_is_differentiable_in_the_conditions(nickel, name):
    # JAX's derivative equals the central difference
    start = theta_of(Conditions(delta2=0.5, diameter=50.0, rmax=10.0, qbroad=0.02))
    spectrum = make_spectra([nickel], "xray", DMAX)[0]
    readout = np.eye(grid_size(10.0))[30:120]

    def total(value):
        matrix, baseline, _ = operator_arrays(
            {**start, name: value}, readout, n_bins(DMAX), jnp
        )
        return jnp.sum((matrix @ spectrum + nickel.density * baseline) ** 2)

    with jax.enable_x64(True):
        value = start[name]
        slope = float(jax.grad(total)(value))
        step = 1e-4 * value
        expected = float(total(value + step) - total(value - step)) / (2 * step)
    assert slope == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("values", [{}, {"qmax": 12.0, "diameter": 30.0}])
def test_numpy_and_jax_build_the_same_operator(values):
    theta = theta_of(REFERENCE.at(delta2=0.5, qbroad=0.02, r_offset=0.02, **values))
    readout = np.eye(grid_size(30.0))[20:380:7]
    with jax.enable_x64(True):
        traced = jax.jit(operator_arrays, static_argnums=(2, 3))(
            theta, readout, n_bins(DMAX), jnp
        )
    for ours, theirs in zip(
        operator_arrays(theta, readout, n_bins(DMAX)), traced, strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_reach_holds_the_ripples_and_the_widest_peak():
    assert reach(REFERENCE) == pytest.approx(30 + 6 * 2 * np.pi / 23 + 0.66, abs=0.02)
    # ripples and tails together never pass 10 Å, as in PDFCalculator
    assert reach(Conditions(qmax=3.0)) == pytest.approx(40.0)


def test_spectra_that_are_too_short_are_an_error():
    with pytest.raises(ValueError, match=r"36 Å.* 4\d\.\d\d Å"):
        build_operator(Conditions(rmax=40.0), DMAX)


def test_longer_ranges_than_the_paper_are_allowed(nickel):
    r = build_operator(Conditions(rmax=60.0), 64.0).r
    assert r[-1] > 59.9


def test_a_band_without_any_q_is_an_error():
    with pytest.raises(ValueError, match=r"22\.97"):
        build_operator(Conditions(qmin=22.97), DMAX)


@pytest.mark.parametrize(
    ("values", "tolerance"),
    [
        # the sharpest peaks that training draws: still within the golden tolerance
        ({"uiso": 0.002, "qmax": 32.0}, 5e-5),
        # sharper yet: known, and little
        ({"uiso": 0.001, "qmax": 35.0}, 3e-4),
    ],
)
def test_binning_costs_little_however_sharp_the_peaks(nickel, values, tolerance):
    # against peaks at the very distances, everything else alike
    omega = Conditions(rmax=15.0, **values)
    dmax = reach(omega) + 0.1
    d, weights = brute_force(nickel, dmax)
    distances, place = np.unique(np.round(d, 9), return_inverse=True)
    heights = np.bincount(place, weights / d)
    theta = theta_of(omega)
    grid = np.arange(grid_size(omega.rmax))
    r = grid * GRID_STEP
    sines, _, band = operators._band(theta, grid * 1.0, np)
    keep = operators._range(theta, grid * 1.0, np)
    envelopes = operators._envelopes(theta, r, np)
    variance = operators.variance(theta, distances)
    gaussians = np.exp(-((r[:, None] - distances) ** 2) / 2 / variance)
    peaks = gaussians / np.sqrt(2 * np.pi * variance) @ heights
    raw = keep * (peaks - 4 * np.pi * r * nickel.density)
    exact = (envelopes * ((sines * band) @ (sines.T @ raw)))[calculation_grid(omega)]
    op = build_operator(omega, dmax)
    g = op.matrix @ make_spectra([nickel], dmax=dmax)[0] + nickel.density * op.baseline
    assert np.abs(g - exact).max() <= tolerance * np.ptp(exact)


def test_a_wrong_calibration_moves_the_peaks(nickel):
    r, right = pdf(nickel, REFERENCE)
    _, moved = pdf(nickel, REFERENCE.at(r_offset=0.05, r_scale=1.004))
    inside = (r > 2.0) & (r < 25.0)
    there = np.interp((r[inside] - 0.05) / 1.004, r, right)
    untouched = np.abs(right[inside] - moved[inside]).max()
    # but for the envelope, whose r is the measured one, and linear interpolation
    assert np.abs(moved[inside] - there).max() < 0.15 * untouched


def test_reach_grows_where_r_is_found_too_short():
    assert reach(REFERENCE.at(r_scale=0.99)) == pytest.approx(reach(REFERENCE) / 0.99)


numbers = st.floats(-3, 3)


@settings(max_examples=25, deadline=None)
@given(numbers, numbers, numbers, numbers)
def test_g_is_linear_in_spectra_and_density(classics, a, b, rho, sigma):
    op = build_operator(REFERENCE.at(rmax=10.0), DMAX)
    p, q = make_spectra(classics[:2])
    mixed = apply_operator(op, (a * p + b * q)[None], [a * rho + b * sigma])[0]
    g, h = apply_operator(op, np.stack([p, q]), [rho, sigma])
    size = max(np.abs(a * g).max(), np.abs(b * h).max(), np.abs(mixed).max(), 1.0)
    np.testing.assert_allclose(mixed, a * g + b * h, atol=1e-4 * size)


def test_numpy_and_jax_apply_the_same_operator(classics):
    op = build_operator(REFERENCE, DMAX)
    spectra = make_spectra(classics)
    density = [crystal.density for crystal in classics]
    ours = apply_operator(op, spectra, density)
    theirs = apply_operator(op, spectra, density, jnp)
    np.testing.assert_allclose(ours, theirs, atol=1e-5 * np.ptp(ours))
