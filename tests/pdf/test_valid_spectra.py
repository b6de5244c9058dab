import numpy as np

from gromega.crystals.crystal import Crystal
from gromega.pdf.bins import DMAX, n_bins
from gromega.pdf.spectrum import pair_spectra
from gromega.pdf.valid_spectra import spectra_by_radiation, valid_spectra

# polonium has no neutron scattering length
POLONIUM = Crystal("Po", 3.35 * np.eye(3), np.array([84]), np.zeros((1, 3)))


def test_a_crystal_without_a_scattering_length_has_a_spectrum_of_zeros(nickel):
    valid, spectra = valid_spectra([POLONIUM, nickel], "neutron", 10.0)
    assert valid.tolist() == [False, True]
    assert not spectra[0].any()
    np.testing.assert_array_equal(spectra[1:], pair_spectra([nickel], "neutron", 10.0))


def test_no_crystals_have_no_spectra():
    valid, spectra = valid_spectra([], "xray", 10.0)
    assert valid.shape == (0,)
    assert spectra.shape == (0, n_bins(10.0))


def test_spectra_by_radiation_are_for_both(nickel):
    density, spectra = spectra_by_radiation([nickel, POLONIUM])
    np.testing.assert_allclose(density, [nickel.density, POLONIUM.density])
    assert set(spectra) == {"xray", "neutron"}
    assert all(found.shape == (2, n_bins(DMAX)) for found in spectra.values())
    assert spectra["xray"][1].any() and not spectra["neutron"][1].any()
