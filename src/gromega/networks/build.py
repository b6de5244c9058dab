"""Networks by name, as a recipe and a model's config.json name them.

To add a network, write a module with one `flax.nnx.Module` and add one entry to
`NETWORKS`. The module must offer:

``__init__(n_groups, **arguments, rngs)``
    The arguments are the other keys of `Recipe.network`; they are stored in config.json
    and must be values that JSON can hold.
``__call__(g, rngs=None)``
    G(r) on `INPUT_R`, (n, 209) float32 in Å⁻², to log-probabilities, (n, n_groups).
    ``rngs`` is the source of the dropout masks in training.

It may also offer ``embed(g, rngs=None)``, (n, 209) to embeddings (n, width), and
``head(embeddings)``, embeddings to log-probabilities, such that ``head(embed(g))`` is
``__call__(g)``. A model needs both for its nearest neighbours, so a recipe whose
`Recipe.neighbours` is above 0 needs them. `ResNet` shows how structure types can be
classes.
"""

from collections.abc import Callable, Mapping
from typing import Any

from flax import nnx

from gromega.networks.liu import Liu
from gromega.networks.resnet import ResNet
from gromega.networks.small import Residual

NETWORKS: dict[str, Callable[..., nnx.Module]] = {
    "liu": Liu,
    "residual": Residual,
    "resnet": ResNet,
}


def make_network(network: Mapping[str, Any], n_groups: int, seed: int) -> nnx.Module:
    """Return a network with random weights.

    It has the name ``network["name"]``, or else a ValueError is raised, and the other
    arguments.
    """
    arguments = dict(network)
    name = arguments.pop("name")
    if name not in NETWORKS:
        raise ValueError(
            f"there is no network {name!r}; use one of {', '.join(NETWORKS)}."
        )
    return NETWORKS[name](n_groups, **arguments, rngs=nnx.Rngs(seed))
