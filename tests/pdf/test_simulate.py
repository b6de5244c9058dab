import numpy as np
import pytest
from scipy.interpolate import interp1d

from gromega.conditions import GRID_STEP, REFERENCE, Conditions
from gromega.pdf import srreal
from gromega.pdf.bins import DMAX
from gromega.pdf.network_grid import INPUT_R, input_operator
from gromega.pdf.operator import add_noise, apply_operator, operator
from gromega.pdf.simulate import simulate
from gromega.pdf.spectrum import pair_spectra


def test_simulate_gives_one_curve_per_crystal(classics):
    r, g = simulate(classics[:3], Conditions(rmax=10.0))
    assert r.shape == (108,)
    assert g.shape == (3, 108)
    assert g.dtype == np.float32


def test_first_peak_of_nickel_is_at_its_bond_length(nickel):
    r, g = simulate([nickel])
    near = r < 3.0
    peak = r[near][g[0, near].argmax()]
    assert peak == pytest.approx(3.524 / np.sqrt(2), abs=GRID_STEP)


def test_neutrons_see_other_weights_than_x_rays(classics):
    salt = [next(c for c in classics if c.id == "rock salt")]
    _, xray = simulate(salt)
    _, neutron = simulate(salt, Conditions(radiation="neutron"))
    assert np.abs(xray - neutron).max() > 0.1 * np.ptp(xray)


def test_range_longer_than_the_default_spectra_is_simulated(nickel):
    r, g = simulate([nickel], Conditions(rmax=50.0, qdamp=0.0))
    assert r[-1] > 49.9
    assert np.abs(g[0, r > 45]).max() > 1.0


def test_input_is_the_quadratic_interpolation_of_the_calculated_grid(classics):
    spectra = pair_spectra(classics, "xray", DMAX)
    density = [crystal.density for crystal in classics]
    fine = operator(REFERENCE.at(rmin=1.4), DMAX)
    exact = interp1d(fine.r, apply_operator(fine, spectra, density), kind="quadratic")
    got = apply_operator(input_operator(REFERENCE.at(rmin=1.4), DMAX), spectra, density)
    assert INPUT_R.size == 209
    np.testing.assert_allclose(got[:, 20:], exact(INPUT_R)[:, 20:], atol=2e-3)


def test_input_is_zero_beyond_rmax(nickel):
    op = input_operator(Conditions(rmax=10.0), DMAX)
    g = apply_operator(op, pair_spectra([nickel], "xray", DMAX), [nickel.density])[0]
    assert np.abs(g[INPUT_R < 9.8]).max() > 5
    assert np.abs(g[INPUT_R > 11.0]).max() < 0.02


def test_noise_has_the_size_and_the_band_it_should(nickel):
    omega = REFERENCE.at(noise=0.1, qmin=2.0, qmax=15.0)
    op = operator(omega, DMAX)
    clean = np.repeat(
        apply_operator(op, pair_spectra([nickel], "xray", DMAX), [nickel.density]),
        400,
        axis=0,
    )
    ids = [f"crystal {i}" for i in range(400)]
    noise = add_noise(op, clean, ids, 0.1) - clean
    level = np.sqrt((noise**2).mean() / (clean**2).mean())
    assert level == pytest.approx(0.1, rel=0.02)
    q = np.linspace(0.2, 25, 250)
    power = ((noise @ np.sin(np.outer(op.r, q))) ** 2).mean(axis=0)
    inside = power[(q > 3) & (q < 14)].mean()
    assert power[(q > 17) | (q < 1)].max() < 0.1 * inside
    # constant in S(Q) grows as Q² in the power of F(Q)
    slope = power[(q > 12) & (q < 14)].mean() / power[(q > 5) & (q < 7)].mean()
    assert slope == pytest.approx((13 / 6) ** 2, rel=0.3)


def test_noise_of_a_crystal_depends_on_its_id_and_the_seed_alone(classics):
    omega = Conditions(noise=0.05)
    _, together = simulate(classics[:3], omega)
    _, alone = simulate(classics[1:2], omega)
    np.testing.assert_allclose(together[1], alone[0], atol=1e-4)
    _, other = simulate(classics[1:2], omega, seed=1)
    assert np.abs(other - alone).max() > 0.01


def test_unknown_engine_is_refused(nickel):
    with pytest.raises(ValueError, match="no engine 'fft'; the engines are native"):
        simulate([nickel], engine="fft")


@pytest.mark.skipif(srreal.available(), reason="diffpy.srreal is installed here")
def test_missing_srreal_says_how_to_get_it(nickel):
    with pytest.raises(ImportError, match=r"conda-forge: conda env create -f environ"):
        simulate([nickel], engine="srreal")


@pytest.mark.skipif(not srreal.available(), reason="diffpy.srreal is not installed")
@pytest.mark.parametrize(
    "omega",
    [
        REFERENCE,
        Conditions(delta2=2.0, diameter=30.0, qmax=18.0),
        Conditions(radiation="neutron"),
    ],
)
def test_srreal_agrees_with_native(classics, omega):
    _, native = simulate(classics, omega)
    _, theirs = simulate(classics, omega, engine="srreal")
    error = np.abs(native - theirs).max(axis=1) / np.ptp(theirs, axis=1)
    assert error.max() <= 5e-5
