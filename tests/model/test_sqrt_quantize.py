import numpy as np
import pytest

from gromega.model.sqrt_quantize import SqrtQuantized
from gromega.pdf.bins import coarsen

MOST = 63


@pytest.fixture
def spectra(generator):
    """Four spectra of both signs and unlike size, and one without values."""
    made = generator.normal(size=(5, 300)) ** 3 * np.logspace(-2, 2, 5)[:, None]
    made[4] = 0
    return made.astype(np.float32)


def test_the_error_of_a_root_is_half_a_step(spectra):
    exact = coarsen(spectra, 3)
    found = SqrtQuantized.of(spectra, 3, MOST).expand()
    assert found.shape == exact.shape
    largest = np.abs(exact).max(axis=1, keepdims=True)
    largest[4] = 1

    def roots(values):
        return np.sqrt(np.abs(values) / largest)

    assert np.abs(roots(found) - roots(exact)).max() <= 0.5 / MOST + 1e-6
    assert ((found == 0) | (np.sign(found) == np.sign(exact))).all()


def test_the_largest_value_of_a_spectrum_is_kept(spectra):
    exact = coarsen(spectra, 3)
    quantized = SqrtQuantized.of(spectra, 3, MOST)
    assert np.abs(quantized.roots).max(axis=1).tolist() == [MOST] * 4 + [0]
    first = np.abs(exact).argmax(axis=1)
    rows = np.arange(5)
    np.testing.assert_allclose(quantized.expand()[rows, first], exact[rows, first])


def test_some_rows_and_bins_are_those_of_all(spectra):
    every = SqrtQuantized.of(spectra, 3, MOST).expand()
    rows = np.array([3, 1])
    np.testing.assert_array_equal(
        SqrtQuantized.of(spectra, 3, MOST).expand(rows), every[rows]
    )
    # The scale of the first bins is that of their own largest value.
    few = SqrtQuantized.of(spectra, 3, MOST, n=20)
    assert few.roots.shape == (5, 20)
    np.testing.assert_allclose(few.largest, np.abs(coarsen(spectra, 3)[:, :20]).max(1))
