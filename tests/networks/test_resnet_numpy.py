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
    """Return a network no weight of which is zero or one, as some begin."""
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


def test_views_are_those_of_the_network_that_is_trained(g):
    np.testing.assert_allclose(views(g), jax_views(g), atol=3e-4)


@pytest.mark.parametrize("more", KINDS)
@pytest.mark.parametrize("rounded", [False, True])
def test_numpy_computes_what_jax_does(g, more, rounded):
    architecture = {**NETWORK, **more}
    network = network_of(architecture)
    if rounded:
        round_weights(network)
    plain, compiled = (
        NumpyResNet(to_arrays(network), architecture, 4),
        Compiled(network),
    )
    x = compiled.embed(g)
    np.testing.assert_allclose(plain.embed(g), x, rtol=2e-3, atol=2e-4)
    p = np.exp(plain.head(x))
    np.testing.assert_allclose(p, np.exp(compiled.head(x)), atol=1e-5)
    p = np.exp(plain.predict(g))
    np.testing.assert_allclose(p, np.exp(compiled.predict(g)), atol=1e-3)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)


def test_an_answer_does_not_depend_on_the_company(g):
    plain = NumpyResNet(to_arrays(network_of(NETWORK)), NETWORK, 4)
    alone, together = np.exp(plain.predict(g[140:141])[0]), np.exp(plain.predict(g))
    np.testing.assert_allclose(alone, together[140], atol=1e-5)


def test_numbers_that_are_not_finite_are_refused(g):
    arrays = dict(to_arrays(network_of(NETWORK)))
    arrays["last/bias"] = np.full(4, np.nan, np.float32)
    with pytest.raises(ValueError, match="the network gives numbers that are not fin"):
        NumpyResNet(arrays, NETWORK, 4).predict(g)


def test_a_model_answers_alike_by_numpy_and_by_jax(g, tmp_path):
    groups = np.array([2, 14, 62, 225])
    weights = to_arrays(network_of(NETWORK))
    save_model(tmp_path / "m", Model(weights, groups, NETWORK, REFERENCE, {}))
    plain, jax = load_model(tmp_path / "m"), load_model(tmp_path / "m", compiled=True)
    assert isinstance(plain.engine, NumpyResNet) and isinstance(jax.engine, Compiled)
    np.testing.assert_allclose(
        np.exp(plain.log_probabilities(g)), np.exp(jax.log_probabilities(g)), atol=1e-3
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        # narrower weights than the architecture says: refused
        ({"dense": 21}, r"do not match \(dense/kernel has the shape"),
        # a weight is missing, or has no place: refused
        ({"embedding": 12}, "there is no embedding/kernel"),
        ({"blocks": (1, 1)}, "blocks/1/first/kernel has the shape"),
        ({"blocks": (2, 0)}, r"norm/scale has the shape|no place for blocks"),
    ],
)
def test_weights_of_another_network_are_refused(g, change, message):
    weights = to_arrays(network_of(NETWORK))
    architecture = {**NETWORK, **change}
    model = Model(weights, np.arange(1, 5), architecture, REFERENCE, {})
    with pytest.raises(ValueError, match=message):
        model.log_probabilities(g)
