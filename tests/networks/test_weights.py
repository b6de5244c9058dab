import jax
import numpy as np
import pytest
from flax import nnx

from gromega.networks.build import make_network
from gromega.networks.quantize import SCALE
from gromega.networks.weights import round_weights, set_arrays, to_arrays

NETWORK = {"name": "residual", "widths": (8, 16), "dropout": 0.1}


def network_of(seed):
    return make_network(NETWORK, 3, seed)


def leaves_of(network):
    return jax.tree.leaves(nnx.state(network))


@pytest.mark.parametrize("rounded", [False, True])
def test_a_network_comes_back_from_its_arrays(rounded):
    network = network_of(0)
    if rounded:
        round_weights(network)
    again = set_arrays(network_of(1), to_arrays(network))
    for one, other in zip(leaves_of(network), leaves_of(again), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_network_is_made_from_shapes_alone():
    network = network_of(0)
    shapes = nnx.eval_shape(lambda: network_of(1))
    made = set_arrays(shapes, to_arrays(network))
    np.testing.assert_array_equal(made.last.kernel[...], network.last.kernel[...])


def test_rounded_matrices_are_stored_as_int8_with_scales():
    network = network_of(0)
    round_weights(network)
    arrays = to_arrays(network)
    assert arrays["last/kernel"].dtype == np.int8
    assert arrays["last/kernel" + SCALE].shape == (3,)
    assert arrays["last/bias"].dtype == np.float32
    assert "last/bias" + SCALE not in arrays


@pytest.mark.parametrize(
    ("change", "message"),
    [
        # a weight less: named as missing
        (lambda arrays: arrays.pop("last/bias"), "last/bias is missing"),
        # a weight more: named
        (lambda arrays: arrays.update(more=np.zeros(1)), "more is not part"),
        # another shape: named with both shapes
        (
            lambda arrays: arrays.update({"last/bias": np.zeros(4)}),
            r"last/bias .*\(4,\), not \(3,\)",
        ),
    ],
)
def test_arrays_of_another_network_are_an_error(change, message):
    arrays = to_arrays(network_of(0))
    change(arrays)
    with pytest.raises(ValueError, match=message):
        set_arrays(network_of(1), arrays)
