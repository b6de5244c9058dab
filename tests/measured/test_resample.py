import numpy as np
import pytest
from scipy.interpolate import make_interp_spline

from gromega.conditions import GRID_STEP, REFERENCE
from gromega.measured.pdf import MeasuredPDF
from gromega.measured.resample import to_input, to_inputs
from gromega.pdf.bins import DMAX
from gromega.pdf.network_grid import INPUT_R, input_operator
from gromega.pdf.operator import apply_operator, build_operator
from gromega.pdf.spectrum import make_spectra


def made(r, g):
    return MeasuredPDF(r, g, {}, "columns")


def test_input_of_a_simulated_pdf_is_the_networks_own(nickel):
    omega = REFERENCE.at(qmax=30.0)
    spectra = make_spectra([nickel], "xray", DMAX)
    fine = np.arange(3100) * 0.01
    everywhere = build_operator(omega.at(rmin=0.5, rmax=32.0), DMAX)
    coarse_g = apply_operator(everywhere, spectra, [nickel.density])[0]
    own = apply_operator(input_operator(omega, DMAX), spectra, [nickel.density])[0]
    x = to_input(made(everywhere.r, coarse_g.astype(float)))
    assert x.shape == (209,)
    assert x.dtype == np.float32
    # The network's own has the error of quadratic interpolation.
    assert np.abs(x - own).max() < 0.01 * np.ptp(own)
    finer = make_interp_spline(everywhere.r, coarse_g, k=5)(fine[100:])
    x = to_input(made(fine[100:], finer))
    assert np.abs(x - own).max() < 0.01 * np.ptp(own)


@pytest.mark.parametrize(
    ("step", "q", "error"),
    [
        # finer data: all that conditions allow is kept
        (0.01, 15.0, 1e-3),
        (0.01, 30.0, 2e-3),
        (0.02, 30.0, 2e-3),
        (0.01, 39.0, 0.05),
        # Nyquist grids: what a spline can
        (GRID_STEP, 20.0, 1e-2),
        (np.pi / 30, 15.0, 1e-2),
    ],
)
def test_waves_are_kept_by_regridding(step, q, error):
    r = step * np.arange(1, 40 / step)
    x = to_input(made(r, np.sin(q * r)))
    np.testing.assert_allclose(x, np.sin(q * INPUT_R), atol=error)


def test_noise_above_the_band_is_left_out(generator):
    r = 0.01 * np.arange(3500)
    x = to_input(made(r, generator.normal(size=r.size)))
    assert x.std() < 0.6
    assert np.abs(to_input(made(r, np.sin(200 * r)))).max() < 0.01


def test_input_is_zero_where_there_are_no_data():
    r = 0.01 * np.arange(500, 1501)
    x = to_input(made(r, 1 + r))
    inside = (INPUT_R >= 5) & (INPUT_R <= 15)
    np.testing.assert_allclose(x[inside], 1 + INPUT_R[inside], rtol=1e-6)
    assert (x[~inside] == 0).all()


def test_uneven_steps_are_regridded(generator):
    r = np.sort(generator.uniform(0, 30, 3000))
    x = to_input(made(r, np.sin(3 * r)))
    inside = (r[0] < INPUT_R) & (r[-1] > INPUT_R)
    np.testing.assert_allclose(x[inside], np.sin(3 * INPUT_R[inside]), atol=1e-3)


@pytest.mark.parametrize("fine", [0.005, 0.01])
@pytest.mark.parametrize("cut", [2, 10, 20])
def test_steps_that_become_coarser_are_regridded(generator, fine, cut):
    r = np.concatenate([np.arange(0, cut, fine), np.arange(cut, 30, 0.05)])
    x = to_input(made(r, np.sin(10 * r)))
    inside = r[-1] > INPUT_R
    np.testing.assert_allclose(x[inside], np.sin(10 * INPUT_R[inside]), atol=1e-3)
    noisy = np.sin(10 * r) + 0.02 * generator.standard_normal(r.size)
    # but for the very end, where a spline is least sure
    inside = r[-1] - 0.5 > INPUT_R
    assert np.abs(to_input(made(r, noisy)) - x)[inside].max() < 0.1


def test_inputs_of_many_are_those_of_each(generator):
    fine, other = 0.01 * np.arange(100, 2500), 0.02 * np.arange(50, 1600)
    on = [fine, other, fine, 0.1 * np.arange(1, 300), fine + 0.005, other]
    pdfs = [made(r, np.sin(generator.uniform(5, 20) * r)) for r in on]
    each = np.stack([to_input(pdf) for pdf in pdfs])
    np.testing.assert_allclose(to_inputs(pdfs), each, atol=1e-6)
    assert to_inputs(pdfs).dtype == np.float32
