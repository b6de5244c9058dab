import numpy as np
import pytest

from gromega.conditions import Conditions
from gromega.pdf.bins import DMAX, coarsen, n_bins, refine
from gromega.pdf.network_grid import input_operator
from gromega.pdf.operator import apply_operator
from gromega.pdf.spectrum import make_spectra


@pytest.mark.parametrize(("factor", "tolerance"), [(2, 2e-4), (3, 1e-3)])
def test_wide_bins_give_the_same_pdf_to_fourth_order(classics, factor, tolerance):
    spectra = make_spectra(classics)
    density = [crystal.density for crystal in classics]
    op = input_operator(Conditions(), DMAX)
    exact = apply_operator(op, spectra, density)
    coarse = coarsen(spectra, factor)
    assert coarse.shape[1] < spectra.shape[1] / factor + 4
    found = apply_operator(op, refine(coarse, factor, n_bins(DMAX)), density)
    errors = np.abs(found - exact).max(axis=1) / np.ptp(exact, axis=1)
    assert errors.max() < tolerance


def test_nothing_is_lost_in_wide_bins(generator):
    spectra = np.zeros((4, n_bins(DMAX)), np.float32)
    spectra[:, 10:-10] = generator.random((4, n_bins(DMAX) - 20))
    np.testing.assert_allclose(
        coarsen(spectra, 3).sum(axis=1), spectra.sum(axis=1), rtol=1e-5
    )
