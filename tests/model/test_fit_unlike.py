from dataclasses import replace

import numpy as np
import pytest

from gromega.conditions import REFERENCE
from gromega.model import fit
from gromega.model.fit_unlike import (
    SHARE,
    fit_unlike,
    glasses,
    mixtures,
    odd_inputs,
    waves,
)
from gromega.model.ranker import simulate_crystals
from gromega.pdf.network_grid import INPUT_R


def test_odd_pdfs_are_as_many_as_those_of_crystals(generator):
    g = generator.normal(size=(42, 209)).astype(np.float32)
    odd = odd_inputs(g)
    assert odd.shape == g.shape and np.isfinite(odd).all()
    np.testing.assert_array_equal(odd, odd_inputs(g))
    assert (odd != odd_inputs(g, 7)).any()


def test_waves_have_one_period(generator):
    spectrum = np.abs(np.fft.rfft(waves(generator, 20) * np.hanning(209), axis=1))
    # a peak of the window's width holds nearly all of it
    assert (np.sort(spectrum, axis=1)[:, -5:].sum(axis=1) > 0.8 * spectrum.sum(1)).all()


def test_glasses_have_no_order_beyond_some_ångström(generator):
    g = glasses(generator, 50)
    assert np.ptp(g[:, INPUT_R < 6], axis=1).min() > 0.5
    far = g[:, INPUT_R > 25].std(axis=1)
    assert (far < 0.05 * np.ptp(g, axis=1)).all()


def test_mixtures_have_both_signals(generator):
    g = np.stack([np.sin(INPUT_R), 5 * np.cos(3 * INPUT_R)]).astype(np.float32)
    found = mixtures(generator, g, 40)
    shares, rest, *_ = np.linalg.lstsq((g / g.std(axis=1)[:, None]).T, found.T)
    np.testing.assert_allclose(shares.sum(axis=0), 1, atol=1e-5)
    both = (shares > 0.01).all(axis=0)
    assert both.any() and (shares[:, both] >= 0.3 - 1e-5).all()
    assert rest.max() < 1e-6


def test_a_share_of_the_crystals_is_unlike(generator):
    inside = generator.normal(size=(2000, 3))
    odd = generator.normal([4.0, 0.0, 0.0], size=(500, 3))
    constant, *slopes = fit_unlike(inside, odd)
    assert (constant + inside @ slopes > 0).mean() == pytest.approx(SHARE, abs=0.002)
    assert (constant + odd @ slopes > 0).mean() > 0.9
    # where it is, not at which sizes
    moved = fit_unlike(100 * inside - 7, 100 * odd - 7)
    np.testing.assert_allclose(moved[1:] * 100, slopes, rtol=0.02, atol=0.02)


def test_only_known_structure_types_are_fitted_to(small_model, classics, files):
    g = simulate_crystals(classics[:8], REFERENCE)
    is_new = np.arange(8) > 5
    found = fit.with_unlike(small_model, g, is_new)
    coefficients = found.neighbours.unlike
    assert coefficients.shape == (2 + found.neighbours.steps.size,)
    again = fit.with_unlike(small_model, g[:6], np.zeros(6, bool))
    np.testing.assert_array_equal(coefficients, again.neighbours.unlike)
    flipped = replace(found.neighbours, unlike=-coefficients)
    one, other = (
        each.query(g[:, :4], found.engine.embed(g), 0).unlike
        for each in (found.neighbours, flipped)
    )
    np.testing.assert_allclose(one, -other, rtol=1e-4)
    alone = replace(small_model, neighbours=None)
    assert fit.with_unlike(alone, g, is_new) is alone
