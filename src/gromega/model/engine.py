"""Engines: what computes a network, NumPy at once or JAX compiled."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gromega.networks.resnet_numpy import NumpyResNet

if TYPE_CHECKING:
    from flax import nnx


class Engine(Protocol):
    """What computes a network: `NumpyResNet` or `inference.Compiled`."""

    def predict(self, g: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return log-probabilities, (n, n_groups), for G, (n, 209)."""
        ...

    def embed(self, g: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return embeddings, (n, width), of a network that has them."""
        ...

    def head(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return log-probabilities, (n, n_groups), from embeddings."""
        ...


def make_flax(
    weights: Mapping[str, NDArray[Any]], architecture: dict[str, Any], n_groups: int
) -> "nnx.Module":
    """Return a network in Flax.

    Raises
    ------
    ValueError
        If the weights are not those of the architecture.
    """
    # JAX and Flax take seconds to import: predictions by NumPy do without them.
    from flax import nnx

    from gromega.networks.build import make_network
    from gromega.networks.weights import set_arrays

    try:
        # The shapes alone: drawing fresh weights would take seconds.
        shapes = nnx.eval_shape(lambda: make_network(architecture, n_groups, 0))
        network = set_arrays(shapes, weights)
    except (ValueError, TypeError) as error:
        raise _mismatch(error) from None
    evaluated: Any = network
    evaluated.eval()
    return network


def make_numpy(
    weights: Mapping[str, NDArray[Any]], architecture: dict[str, Any], n_groups: int
) -> NumpyResNet:
    """Return a network in NumPy.

    Raises
    ------
    ValueError
        If the weights are not those of the architecture.
    """
    try:
        return NumpyResNet(weights, architecture, n_groups)
    except (ValueError, KeyError, TypeError) as error:
        raise _mismatch(error) from None


def _mismatch(error: Exception) -> ValueError:
    return ValueError(
        f"the config.json and weights.safetensors of the model do not match ({error}); "
        "download it again, or train it again with 'dvc repro'."
    )
