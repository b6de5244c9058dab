import jax
import jax.numpy as jnp
import numpy as np
import pytest
from optax import contrib

from gromega.training.muon import muon, orthogonalize


@pytest.mark.parametrize("shape", [(60, 20), (20, 60), (30, 30)])
def test_a_matrix_becomes_nearly_orthogonal(shape):
    u, _, vt = np.linalg.svd(np.random.default_rng(0).normal(size=shape), False)
    matrix = (u * np.geomspace(1, 0.02, len(vt))) @ vt
    made = np.asarray(orthogonalize(jnp.asarray(matrix, jnp.float32)))
    # the same singular vectors, with values near 1
    values = np.diag(u.T @ made @ vt.T)
    assert 0.6 < values.min() <= values.max() < 1.3
    np.testing.assert_allclose(u.T @ made @ vt.T, np.diag(values), atol=1e-3)


def test_a_matrix_of_low_rank_keeps_its_directions():
    rng = np.random.default_rng(1)
    low = rng.normal(size=(40, 3)) @ rng.normal(size=(3, 200))
    made = np.asarray(orthogonalize(jnp.asarray(low, jnp.float32)))
    values = np.linalg.svd(made, compute_uv=False)
    assert 0.6 < values[2] <= values[0] < 1.3
    assert values[3] < 0.01


def test_a_zero_matrix_stays_zero():
    assert not np.asarray(orthogonalize(jnp.zeros((4, 3)))).any()


def test_the_steps_are_those_of_optax():
    params = {
        "kernel": jnp.ones((5, 6, 8)), "wide": jnp.ones((4, 12)),
        "bias": jnp.ones(8), "last": jnp.ones((6, 3)),
    }  # fmt: skip
    by_muon = {"kernel": (0, 1), "wide": (0,)}
    numbers = {
        name: contrib.MuonDimensionNumbers(by_muon[name], (leaf.ndim - 1,))
        if name in by_muon
        else None
        for name, leaf in params.items()
    }
    theirs = contrib.muon(
        0.02, weight_decay=0.1, adam_weight_decay=0.1, adam_learning_rate=0.003,
        muon_weight_dimension_numbers=numbers,
    )  # fmt: skip
    ours = muon(lambda _: 0.02, lambda _: 0.003, 0.1, ["last"])
    states = [each.init(params) for each in (theirs, ours)]
    # optax corrects the bias of the first momenta: the ratio of gradient and momentum
    # differs until it has seen many
    for step in range(150):
        keys = jax.random.split(jax.random.key(step), len(params))
        gradient = {
            name: jax.random.normal(key, leaf.shape)
            for key, (name, leaf) in zip(keys, params.items(), strict=True)
        }
        made = []
        for i, each in enumerate((theirs, ours)):
            update, states[i] = each.update(gradient, states[i], params)
            made.append(update)
    for name in params:
        np.testing.assert_allclose(made[1][name], made[0][name], rtol=0.02, atol=2e-5)
