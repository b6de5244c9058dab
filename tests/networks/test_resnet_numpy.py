import numpy as np
import pytest
from flax import nnx
from jax import random

from gromega.conditions import REFERENCE
from gromega.model.io import load_model, save_model
from gromega.model.model import Model
from gromega.networks.build import make_network
from gromega.networks.inference import Compiled
from gromega.networks.resnet import views as jax_views
from gromega.networks.resnet_numpy import NumpyResNet, views
from gromega.networks.weights import round_weights, to_arrays

NETWORK = {
    "name": "resnet", "widths": (16, 24), "blocks": (2, 1), "dense": 20, "dropout": 0.1,
}  # fmt: skip
KINDS = [
    {},
    {"embedding": 12},
    {"embedding": 12, "n_types": 9, "blocks": (1, 2)},
]


def network_of(architecture, seed=0):
    """Return a network without weights of exactly zero or one, as fresh ones have."""
    network = make_network(architecture, 4, seed)
    key = random.key(seed)
    for k, (_, value) in enumerate(nnx.to_flat_state(nnx.state(network, nnx.Param))):
        noise = random.normal(random.fold_in(key, k), value.shape)
        value[...] = value[...] + 0.3 * noise
    if "n_types" in architecture:
        network.group_of_type[...] = np.arange(9) % 4
    return network


@pytest.fixture
def g(generator):
    rows = generator.normal(size=(150, 209)).astype(np.float32)
    rows[0] *= 1e-20
    rows[1] = 0
    rows[2, 80:] = 0
    return rows


def test_views_equal_those_of_jax(g):
    np.testing.assert_allclose(views(g), jax_views(g), atol=3e-4)


@pytest.mark.parametrize("more", KINDS)
@pytest.mark.parametrize("rounded", [False, True])
def test_outputs_equal_those_of_jax(g, more, rounded):
    architecture = {**NETWORK, **more}
    network = network_of(architecture)
    if rounded:
        round_weights(network)
    engine, compiled = (
        NumpyResNet(to_arrays(network), architecture, 4),
        Compiled(network),
    )
    x = compiled.embed(g)
    np.testing.assert_allclose(engine.embed(g), x, rtol=2e-3, atol=2e-4)
    p = np.exp(engine.head(x))
    np.testing.assert_allclose(p, np.exp(compiled.head(x)), atol=1e-5)
    p = np.exp(engine.predict(g))
    np.testing.assert_allclose(p, np.exp(compiled.predict(g)), atol=1e-3)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)


def test_a_row_does_not_depend_on_the_other_rows(g):
    engine = NumpyResNet(to_arrays(network_of(NETWORK)), NETWORK, 4)
    alone, together = np.exp(engine.predict(g[140:141])[0]), np.exp(engine.predict(g))
    np.testing.assert_allclose(alone, together[140], atol=1e-5)


def test_outputs_that_are_not_finite_are_an_error(g):
    arrays = dict(to_arrays(network_of(NETWORK)))
    arrays["last/bias"] = np.full(4, np.nan, np.float32)
    with pytest.raises(ValueError, match="not finite"):
        NumpyResNet(arrays, NETWORK, 4).predict(g)


def test_a_model_predicts_the_same_with_numpy_and_with_jax(g, tmp_path):
    groups = np.array([2, 14, 62, 225])
    weights = to_arrays(network_of(NETWORK))
    save_model(tmp_path / "m", Model(weights, groups, NETWORK, REFERENCE, {}))
    by_numpy = load_model(tmp_path / "m")
    by_jax = load_model(tmp_path / "m", compiled=True)
    assert isinstance(by_numpy.engine, NumpyResNet)
    assert isinstance(by_jax.engine, Compiled)
    np.testing.assert_allclose(
        np.exp(by_numpy.log_probabilities(g)),
        np.exp(by_jax.log_probabilities(g)),
        atol=1e-3,
    )


@pytest.mark.parametrize(
    ("change", "name"),
    [
        # another width: the shape of a weight is named
        ({"dense": 21}, r"dense/kernel .*\(.*20\), not \(.*21\)"),
        # a further layer: its weight is missing
        ({"embedding": 12}, "embedding/kernel is missing"),
        # fewer blocks: a weight has another shape, or is left
        ({"blocks": (1, 1)}, "blocks/1/first/kernel"),
        ({"blocks": (2, 0)}, "norm/scale|blocks/2"),
    ],
)
def test_weights_of_another_architecture_are_an_error(g, change, name):
    weights = to_arrays(network_of(NETWORK))
    architecture = {**NETWORK, **change}
    model = Model(weights, np.arange(1, 5), architecture, REFERENCE, {})
    with pytest.raises(ValueError, match=name):
        model.log_probabilities(g)
