import jax.numpy as jnp
import numpy as np
import pytest

from gromega.conditions import REFERENCE, Conditions
from gromega.pdf.bins import DMAX
from gromega.pdf.noise import add_crystal_noise, add_noise
from gromega.pdf.operator import apply_operator, build_operator
from gromega.pdf.simulate import simulate
from gromega.pdf.spectrum import make_spectra


def test_noise_has_the_size_and_the_band_it_should(nickel):
    omega = REFERENCE.at(noise=0.1, qmin=2.0, qmax=15.0)
    op = build_operator(omega, DMAX)
    clean = np.repeat(
        apply_operator(op, make_spectra([nickel], "xray", DMAX), [nickel.density]),
        400,
        axis=0,
    )
    ids = [f"crystal {i}" for i in range(400)]
    noise = add_crystal_noise(op, clean, ids) - clean
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


def test_without_noise_the_curve_is_unchanged(nickel):
    op = build_operator(REFERENCE, DMAX)
    g = apply_operator(op, make_spectra([nickel]), [nickel.density])
    assert add_crystal_noise(op, g, ["nickel"]) is g


def test_numpy_and_jax_add_the_same_noise(nickel, generator):
    op = build_operator(REFERENCE.at(noise=0.1), DMAX)
    g = apply_operator(op, make_spectra([nickel]), [nickel.density])
    factors = generator.standard_normal((1, op.noise.shape[1]), np.float32)
    ours = add_noise(op, g, factors)
    theirs = add_noise(op, jnp.asarray(g), jnp.asarray(factors), jnp)
    np.testing.assert_allclose(ours, theirs, atol=1e-5 * np.ptp(g))
