import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import scaled

from gromega.conditions import REFERENCE
from gromega.pdf.bins import DMAX
from gromega.pdf.network_grid import INPUT_R, input_operator, to_unit
from gromega.pdf.operator import apply_operator
from gromega.pdf.spectrum import pair_spectra
from gromega.training.augment import ripples, stretch, stretch_matrices

LARGEST = 0.05
STRAINS = np.linspace(-LARGEST, LARGEST, 33)


def pdf(crystal):
    spectra = pair_spectra([crystal], "xray", DMAX)
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
