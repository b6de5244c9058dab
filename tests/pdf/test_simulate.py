import numpy as np
import pytest

from gromega.conditions import GRID_STEP, REFERENCE, Conditions
from gromega.pdf import srreal
from gromega.pdf.simulate import narrowest_peak, simulate


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


def test_an_unknown_engine_is_an_error(nickel):
    with pytest.raises(ValueError, match="'fft'"):
        simulate([nickel], engine="fft")


@pytest.mark.skipif(srreal.available(), reason="diffpy.srreal is installed here")
def test_srreal_needs_diffpy(nickel):
    with pytest.raises(ImportError, match="diffpy"):
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


@pytest.mark.parametrize(
    ("omega", "is_narrow"),
    [
        (REFERENCE, False),
        (Conditions(delta2=3.0), False),
        # the first neighbours of nickel are at 2.49 Å
        (Conditions(delta2=2.49**2), True),
        (Conditions(delta1=2.45), True),
    ],
)
def test_peaks_without_width_are_found(nickel, omega, is_narrow):
    d = narrowest_peak(nickel, omega)
    assert (d is not None) == is_narrow
    # A pair is spread over eight bins of 0.01 Å.
    assert d is None or d == pytest.approx(2.49, abs=0.04)


def test_one_crystal_without_a_list_is_an_error(nickel):
    with pytest.raises(ValueError, match=r"\[crystal\]"):
        simulate(nickel)
