"""Networks by name, as a recipe and a model's config.json name them.

CONTRIBUTING.md has the steps to add a network. A network is a `flax.nnx.Module` with
the methods:

``__init__(n_groups, **arguments, rngs)``
    The arguments are the other keys of `Recipe.network`. They must be JSON values,
    because config.json stores them.
``__call__(g, rngs=None)``
    G(r) on `INPUT_R`, (n, 209) float32 in Å⁻², to log-probabilities, (n, n_groups).
    ``rngs`` is the source of the dropout masks. It is passed only during training.

If `Recipe.neighbours` is above 0, the network also needs:

``embed(g, rngs=None)``
    G(r), (n, 209), to embeddings, (n, width).
``head(embeddings)``
    Embeddings to log-probabilities: ``head(embed(g))`` is ``__call__(g)``.

If `Recipe.type_weight` is above 0, the classes are structure types, and the network
also needs:

``n_types``
    The number of structure types, an argument of ``__init__``.
``group_of_type``
    The space group of each type, (n_types,) int32, a `flax.nnx.Variable` that the
    training sets.
``type_outputs(g, rngs=None)``
    G(r) to unnormalised log-probabilities of structure types, (n, n_types).

`ResNet` has all of them.
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
