from dataclasses import fields

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gromega.conditions import NUMERIC_FIELDS, REFERENCE, Box
from gromega.defects import Defects
from gromega.pdf.bins import DMAX, n_bins
from gromega.pdf.network_grid import INPUT_R, input_operator
from gromega.pdf.operator import Operator, apply_operator
from gromega.pdf.random_conditions import (
    apply_with_noise,
    draw_theta,
    random_operator,
    simulate_at_random,
)
from gromega.pdf.spectrum import make_spectra

QUIET = Box.from_mapping({**Box().to_mapping(), "noise": [0.0, 0.0]})


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


def test_large_crystallites_alone_may_be_drawn():
    box = Box.from_mapping({**Box().to_mapping(), "diameter": [400.0, np.inf]})
    keys = jax.random.split(jax.random.key(0), 200)
    drawn = jax.vmap(lambda key: draw_theta(box, key))(keys)["diameter"]
    assert np.min(drawn) >= 400


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
    spectra = make_spectra(classics[:5])
    density = np.array([crystal.density for crystal in classics[:5]])
    g = simulate_at_random(spectra, density, Box.around(REFERENCE), 0, n_conditions=2)
    expected = apply_operator(input_operator(REFERENCE, DMAX), spectra, density)
    np.testing.assert_allclose(g, expected, atol=2e-4 * np.ptp(expected))


def test_the_operator_at_a_point_is_that_of_numpy():
    omega = REFERENCE.at(noise=0.1, delta2=0.5, diameter=50.0, r_offset=0.02)
    ours = input_operator(omega, DMAX)
    theirs = random_operator(Box.around(omega), n_bins(DMAX), jax.random.key(0))
    for part in fields(Operator):
        one, other = getattr(ours, part.name), np.asarray(getattr(theirs, part.name))
        assert one.shape == other.shape
        # JAX builds it in single precision.
        np.testing.assert_allclose(one, other, atol=1e-3 * np.abs(one).max())


def test_stacked_operators_give_what_each_gives(classics):
    spectra = make_spectra(classics[:6]).reshape(3, 2, -1)
    density = np.reshape([crystal.density for crystal in classics[:6]], (3, 2))
    keys = jax.random.split(jax.random.key(1), 3)
    ops = [random_operator(QUIET, n_bins(DMAX), key) for key in keys]
    stacked = jax.tree.map(lambda *parts: jnp.stack(parts), *ops)
    assert isinstance(stacked, Operator)
    g = apply_with_noise(stacked, spectra, density, jax.random.key(2))
    assert g.shape == (3, 2, INPUT_R.size)
    for k, op in enumerate(ops):
        alone = apply_operator(op, spectra[k], density[k], jnp)
        np.testing.assert_allclose(g[k], alone, atol=1e-4 * np.ptp(alone))


def test_random_noise_has_the_level_of_the_conditions(nickel):
    omega = REFERENCE.at(noise=0.1)
    op = random_operator(Box.around(omega), n_bins(DMAX), jax.random.key(0))
    spectra = np.repeat(make_spectra([nickel]), 200, axis=0)
    density = np.full(200, nickel.density)
    clean = apply_operator(op, spectra, density, jnp)
    noise = apply_with_noise(op, spectra, density, jax.random.key(3)) - clean
    rms = np.sqrt(np.mean(noise**2) / np.mean(clean**2))
    assert rms == pytest.approx(0.1, rel=0.05)


def test_crystals_share_conditions_by_their_number(nickel):
    spectra = np.repeat(make_spectra([nickel]), 4, axis=0)
    density = np.full(4, nickel.density)
    g = simulate_at_random(spectra, density, QUIET, seed=0, n_conditions=2)
    np.testing.assert_array_equal(g[:2], g[2:])
    assert np.abs(g[0] - g[1]).max() > 0.01


def test_a_fifth_of_the_operators_has_counting_noise_of_its_own_shape():
    box, n_d = Box.around(REFERENCE), n_bins(DMAX)
    keys = jax.random.split(jax.random.key(4), 100)
    draw = jax.vmap(lambda key: random_operator(box, n_d, key, 0.0, None, 0.3))
    level = np.asarray(draw(keys).level)
    assert np.mean(level > 0) == pytest.approx(0.2, abs=0.1)
    assert 0.2 < level.max() <= 0.3
    noisy = keys[int(level.argmax())]
    op = random_operator(box, n_d, noisy, counting_noise=0.3)
    expected = input_operator(REFERENCE, DMAX, Defects(counting_noise=0.2))
    limit = 1e-3 * np.abs(expected.noise).max()
    np.testing.assert_allclose(op.noise, expected.noise, atol=limit)
