"""Training that goes on from the weights of a released model."""

from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from gromega.files import sha256
from gromega.models.card import read_card
from gromega.models.feeds import Part
from gromega.models.inference import Compiled
from gromega.models.model import load_model

SHARES = (0.0, 0.25, 0.5, 0.75)
"""What the weights before the training may weigh in an average."""
WEIGHTS = nnx.Any(nnx.Param, nnx.BatchStat)
"""What is learned: the means and variances of batches too."""


def start_from(network: nnx.Module, path: Path, split: Path, crystals: Path) -> str:
    """Give a network all weights of a released model that it has a place for.

    Returns the hash of these weights.

    Parameters
    ----------
    network
        The network; weights without a counterpart stay as they are.
    path
        The folder of the released model.
    split, crystals
        The split that is trained with, and the table of the crystals that it splits.

    Raises
    ------
    FileNotFoundError
        If there is no model, or it has no card.
    ValueError
        If the model was trained with another split or other crystals, so that it may
        have seen what is to be tested on, or fits nowhere.
    """
    card = read_card(path)
    # A split names crystals by their ids, which other crystals may have too.
    for what, file in (("another split", split), ("other crystals", crystals)):
        if card["data"]["sha256"][file.name] != sha256(file):
            raise ValueError(
                f"{path} was trained with {what} than {file}, and may have learned "
                "from crystals that are to be tested on; leave train.start empty."
            )
    theirs = dict(nnx.to_flat_state(nnx.state(load_model(path).network, WEIGHTS)))
    taken = 0
    for keys, value in nnx.to_flat_state(nnx.state(network, WEIGHTS)):
        if keys in theirs and theirs[keys].shape == value.shape:
            value[...] = jnp.asarray(theirs[keys][...])
            taken += value.size
    if not taken:
        raise ValueError(
            f"{path} has no weights in common with the network of this recipe; leave "
            "train.start empty."
        )
    return sha256(path / "weights.safetensors")


def average(
    before: nnx.Module, after: nnx.Module, parts: Sequence[Part]
) -> tuple[nnx.Module, float]:
    """Return the average of a network before and after a training that does best.

    Training that goes on loses some of what a network knew; the average of its weights
    before and after often does better than either (Wortsman et al., CVPR 2022, 7959).

    Parameters
    ----------
    before, after
        The network before and after, alike but for their weights.
    parts
        Of the validation part, at different conditions; the mean of -log p of the
        true group decides.

    Returns
    -------
    The network, and the share, of `SHARES`, that the weights before have in it.
    """
    start = nnx.state(before, WEIGHTS)
    graph, *states = nnx.split(after, WEIGHTS, ...)
    end, rest = states

    def mixed(share: float) -> nnx.Module:
        weights = jax.tree.map(lambda x, y: share * x + (1 - share) * y, start, end)
        made: nnx.Module = nnx.merge(graph, weights, rest, copy=True)
        return made

    def loss(network: nnx.Module) -> float:
        compiled, total = Compiled(network), 0.0
        for part in parts:
            log_p = compiled.predict(part.g)
            total -= float(log_p[np.arange(part.y.size), part.y].mean(dtype=np.float64))
        return total

    best = min(SHARES, key=lambda share: loss(mixed(share)))
    return mixed(best), best
