import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import scaled

from gromega.conditions import REFERENCE
from gromega.defects import NO_DEFECTS, Defects
from gromega.pdf.bins import DMAX
from gromega.pdf.network_grid import INPUT_R, input_operator, to_unit
from gromega.pdf.operator import apply_operator
from gromega.pdf.spectrum import make_spectra
from gromega.training.augment import (
    random_defects,
    ripples,
    stretch,
    stretch_matrices,
)

LARGEST = 0.05
STRAINS = np.linspace(-LARGEST, LARGEST, 33)


def pdf(crystal):
    spectra = make_spectra([crystal], "xray", DMAX)
    return apply_operator(input_operator(REFERENCE, DMAX), spectra, [crystal.density])


@pytest.mark.parametrize("index", [8, 16, 24])
def test_a_stretched_pdf_is_that_of_the_strained_crystal(classics, index):
    # apart from Qmax and damping, which a strain leaves: small errors
    matrix = stretch_matrices(LARGEST)[index]
    inside = (INPUT_R > 2.0) & (INPUT_R < 12.0)
    for crystal in classics[:4]:
        strained = scaled(crystal, "strained", 1 + STRAINS[index])
        expected = to_unit(pdf(strained))[0, inside]
        got = to_unit(pdf(crystal) @ matrix.T)[0, inside]
        untouched = to_unit(pdf(crystal))[0, inside]
        error = np.sqrt(np.mean((got - expected) ** 2))
        assert error < 0.04
        if index != 16:
            assert error < 0.3 * np.sqrt(np.mean((untouched - expected) ** 2))


def test_a_strain_of_zero_changes_nothing(generator):
    x = generator.uniform(size=(3, 209)).astype(np.float32)
    np.testing.assert_allclose(x @ stretch_matrices(LARGEST)[16].T, x, atol=1e-5)


def test_stretched_batches_differ_by_key(generator):
    x = generator.uniform(size=(16, 209)).astype(np.float32)
    matrices = jnp.asarray(stretch_matrices(LARGEST))
    one = stretch(x, jax.random.key(0), matrices)
    other = stretch(x, jax.random.key(1), matrices)
    assert np.abs(one - other).max() > 0.01


def test_groups_of_a_batch_are_stretched_by_all_strains():
    matrices = jnp.arange(33.0)[:, None, None] * jnp.eye(209)
    strains = [
        np.asarray(stretch(jnp.ones((16, 209)), jax.random.key(k), matrices))[::2, 0]
        for k in range(40)
    ]
    assert min(len(set(chosen.tolist())) for chosen in strains) > 2
    assert set(np.concatenate(strains).tolist()) == set(range(33))


def test_ripples_are_at_low_r_and_in_half_of_the_pdfs():
    g = np.ones((400, 209), np.float32)
    added = np.asarray(ripples(g, jax.random.key(0))) - 1
    size = np.abs(added).max(axis=1)
    assert 0.4 < np.mean(size > 0) < 0.6
    assert size.max() < 0.4
    low, high = added[:, INPUT_R < 4.0], added[:, INPUT_R > 8.0]
    assert np.sum(high**2) < 1e-3 * np.sum(low**2)


@pytest.fixture(scope="module")
def operators():
    """Two stacked operators of different rmax."""
    ops = [input_operator(REFERENCE.at(rmax=rmax), DMAX) for rmax in (12.0, 30.0)]
    return jax.tree.map(lambda *parts: jnp.stack(list(map(jnp.asarray, parts))), *ops)


def test_a_fifth_of_the_pdfs_has_another_one_of_the_same_conditions(operators):
    # each PDF is a wave of its own, so the parts of a mixture are its projections
    n = 100
    waves = np.sin(np.outer(np.arange(1, n + 1), np.arange(209)) * np.pi / 209)
    g = jnp.asarray(np.stack([waves, waves]))
    largest = Defects(second_phase=0.4)
    mixed = np.asarray(random_defects(operators, g, jax.random.key(0), largest))
    parts = np.abs(mixed @ waves.T) / (waves**2).sum(axis=1)
    shares = np.array([[row[k, k - 1] for k in range(n)] for row in parts])
    own = np.array([np.diag(row) for row in parts])
    np.testing.assert_allclose(own + shares, 1.0, atol=0.02)
    assert np.mean(shares > 0.005) == pytest.approx(0.2, abs=0.08)
    assert 0.3 < shares.max() < 0.41


def test_a_fifth_of_the_pdfs_has_waves_within_its_range(operators, generator):
    g = jnp.asarray(generator.standard_normal((2, 200, 209)), jnp.float32)
    largest = Defects(wave=0.4)
    added = np.asarray(random_defects(operators, g, jax.random.key(1), largest) - g)
    size = np.sqrt((added**2).mean(axis=-1) / np.mean(np.square(g), axis=-1))
    assert np.mean(size > 0) == pytest.approx(0.2, abs=0.06)
    assert 0.3 < size.max() < 0.41
    assert not added[0, :, INPUT_R > 12.3].any()


def test_without_defects_pdfs_stay_as_they_are(operators, generator):
    g = jnp.asarray(generator.standard_normal((2, 4, 209)), jnp.float32)
    same = random_defects(operators, g, jax.random.key(1), NO_DEFECTS)
    np.testing.assert_array_equal(same, g)
