import numpy as np
import pytest
import xarray

from gromega.crystals.table import crystals_of
from gromega.lake.spectra import read_spectra
from gromega.pdf.bins import DMAX, bin_centres, n_bins
from gromega.pdf.spectrum import make_spectra


def test_spectra_are_those_of_the_crystals(spectra_store, small_table):
    data = xarray.open_zarr(spectra_store)
    crystals = crystals_of(small_table)
    assert data["crystal"].to_numpy().tolist() == [c.id for c in crystals]
    expected = make_spectra(crystals, "xray", DMAX)
    np.testing.assert_array_equal(data["spectrum"].to_numpy(), expected)
    np.testing.assert_allclose(data["density"], [c.density for c in crystals])
    np.testing.assert_allclose(data["d"], bin_centres(n_bins(DMAX)))
    assert data["spectrum"].attrs["units"] == "Å⁻¹"


def test_some_spectra_come_in_the_order_asked_for(spectra_store, small_table):
    crystals = {crystal.id: crystal for crystal in crystals_of(small_table)}
    ids = ["magnesium-2", "iron-0"]
    spectra, density = read_spectra(spectra_store, ids)
    expected = make_spectra([crystals[name] for name in ids], "xray", DMAX)
    np.testing.assert_array_equal(spectra, expected)
    np.testing.assert_allclose(density, [crystals[name].density for name in ids])


def test_a_crystal_that_the_store_lacks_is_named(spectra_store):
    with pytest.raises(ValueError, match=r"spectra\.zarr: .*'gold'"):
        read_spectra(spectra_store, ["iron-0", "gold"])
