"""Training that goes on from the weights of a released model."""

from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from gromega._util.files import sha256
from gromega.model.io import load_model
from gromega.networks.inference import Compiled
from gromega.training.inputs import Part

SHARES = (0.0, 0.25, 0.5, 0.75)
"""What the weights before the training may weigh in an average."""
WEIGHTS = nnx.Any(nnx.Param, nnx.BatchStat)
"""What is learned: the means and variances of batches too."""


def start_from(network: nnx.Module, path: Path) -> str:
    """Give a network all weights of a released model that it has a place for.

    Return the SHA-256 of these weights.

    Parameters
    ----------
    network
        The network; weights without a counterpart stay as they are.
    path
        The folder of the released model.

    Raises
    ------
    FileNotFoundError
        If there is no model.
    ValueError
        If no weight of the model fits the network.
    """
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
