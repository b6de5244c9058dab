"""Training that goes on from the weights of a released model."""

from pathlib import Path

import jax.numpy as jnp
from flax import nnx

from gromega.models.card import read_card, sha256
from gromega.models.model import load_model


def start_from(network: nnx.Module, path: Path, split: Path) -> str:
    """Give a network all weights of a released model that it has a place for.

    Returns the hash of these weights.

    Parameters
    ----------
    network
        The network; weights without a counterpart stay as they are.
    path
        The folder of the released model.
    split
        The split that is trained with.

    Raises
    ------
    FileNotFoundError
        If there is no model, or it has no card.
    ValueError
        If the model was trained with another split, so that it may have seen what is
        to be tested on, or fits nowhere.
    """
    card = read_card(path)
    if card["data"]["sha256"][split.name] != sha256(split):
        raise ValueError(
            f"{path} was trained with another split than {split}, and may have learned "
            "from crystals that are to be tested on; leave train.start empty."
        )
    theirs = dict(nnx.to_flat_state(nnx.state(load_model(path).network, nnx.Param)))
    taken = 0
    for keys, value in nnx.to_flat_state(nnx.state(network, nnx.Param)):
        if keys in theirs and theirs[keys].shape == value.shape:
            value[...] = jnp.asarray(theirs[keys][...])
            taken += value.size
    if not taken:
        raise ValueError(
            f"{path} has no weights in common with the network of this recipe; leave "
            "train.start empty."
        )
    return sha256(path / "weights.safetensors")
