"""Networks by name, as a model's config.json and a recipe name them."""

from typing import Any

from flax import nnx

from gromega.networks.liu import Liu
from gromega.networks.resnet import ResNet
from gromega.networks.small import Residual


def make_network(network: dict[str, Any], n_groups: int, seed: int) -> nnx.Module:
    """Return a network with fresh weights.

    Raises
    ------
    ValueError
        If there is no network of this name.
    """
    arguments = dict(network)
    name = arguments.pop("name")
    kinds = {"liu": Liu, "residual": Residual, "resnet": ResNet}
    if name not in kinds:
        raise ValueError(f"there is no network {name!r}; there are {', '.join(kinds)}.")
    return kinds[name](n_groups, **arguments, rngs=nnx.Rngs(seed))
