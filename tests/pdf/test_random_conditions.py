import jax
import numpy as np
import pytest

from gromega.conditions import NUMERIC_FIELDS, REFERENCE, Box
from gromega.pdf.bins import DMAX
from gromega.pdf.network_grid import input_operator
from gromega.pdf.operator import apply_operator
from gromega.pdf.random_conditions import at_random, draw_theta
from gromega.pdf.spectrum import pair_spectra


def test_random_conditions_lie_in_their_box_and_reach_its_corners():
    box = Box()
    keys = jax.random.split(jax.random.key(0), 2000)
    theta = jax.vmap(lambda key: draw_theta(box, key))(keys)
    for name in NUMERIC_FIELDS:
        low, high = getattr(box, name)
        values = np.asarray(theta[name])
        assert values.min() >= low - 1e-6
        assert values.max() <= high + 1e-6
        if low < high and np.isfinite(high):
            assert values.min() < low + 0.05 * (high - low)
            assert values.max() > high - 0.05 * (high - low)
    assert np.mean(np.isinf(theta["diameter"])) == pytest.approx(0.5, abs=0.05)
    assert np.mean(np.asarray(theta["noise"]) == 0) == pytest.approx(0.5, abs=0.05)
    assert not np.any((theta["delta1"] > 0) & (theta["delta2"] > 0))


def test_any_number_of_conditions_that_differ_from_the_usual_is_equally_likely():
    keys = jax.random.split(jax.random.key(0), 4000)
    theta = jax.vmap(lambda key: draw_theta(Box(), key, REFERENCE))(keys)
    # conditions whose draw never equals the usual value
    names = ("qmin", "qmax", "qdamp", "qbroad", "uiso", "r_offset", "r_scale")
    apart = sum(
        ~np.isclose(theta[name], getattr(REFERENCE, name), rtol=1e-6, atol=0)
        for name in names
    )
    shares = np.bincount(apart, minlength=8) / apart.size
    np.testing.assert_allclose(shares, 1 / 8, atol=0.02)
    for name in names:
        low, high = getattr(Box(), name)
        assert np.min(theta[name]) < low + 0.05 * (high - low)
        assert np.max(theta[name]) > high - 0.05 * (high - low)
    assert not np.any((theta["delta1"] > 0) & (theta["delta2"] > 0))


def test_pdfs_at_random_from_a_box_of_one_point_are_those_of_that_point(classics):
    spectra = pair_spectra(classics[:5])
    density = np.array([crystal.density for crystal in classics[:5]])
    g = at_random(spectra, density, Box.around(REFERENCE), 0, n_conditions=2)
    expected = apply_operator(input_operator(REFERENCE, DMAX), spectra, density)
    np.testing.assert_allclose(g, expected, atol=2e-4 * np.ptp(expected))
