"""Training that starts from the weights of a released model."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array
from numpy.typing import NDArray

from gromega._util.files import read_json, sha256
from gromega.model.io import load_model
from gromega.networks.inference import Compiled
from gromega.training.inputs import LabelledPDFs

SHARES = (0.0, 0.25, 0.5, 0.75)  # of the initial weights in the average
_RIDGE = 1e-3  # of the mean diagonal element
WEIGHTS = nnx.Any(nnx.Param, nnx.BatchStat)
"""The learned variables: parameters, and the running averages of BatchNorm."""


def start_from(
    network: nnx.Module, architecture: Mapping[str, Any], path: Path
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Copy the weights of a released model into a network.

    Return the name, the version, and the SHA-256 of the weights of the released model;
    and the names of the fresh weights, which have none of the same name and shape in
    the model and stay as they are. If all are fresh, a ValueError is raised.

    The architecture of the network is that of `make_network`. A network with more
    blocks in a stage than the model has those of the model first; its other blocks,
    being fresh, are their shortcuts, so that it computes the same.
    """
    model = load_model(path)
    released = dict(nnx.to_flat_state(nnx.state(model.network, WEIGHTS)))
    before = {at: k for k, at in enumerate(_places(model.architecture))}
    places = _places(architecture)
    copied, fresh = 0, []
    keys: Any
    for keys, value in nnx.to_flat_state(nnx.state(network, WEIGHTS)):
        its = keys
        if keys[0] == "blocks" and places:
            its = ("blocks", before.get(places[keys[1]]), *keys[2:])
        if its in released and released[its].shape == value.shape:
            value[...] = jnp.asarray(released[its][...])
            copied += value.size
        else:
            fresh.append(_name(keys))
    if not copied:
        raise ValueError(
            f"{path} has no weights in common with the network of this recipe; leave "
            "train.start as it is by default."
        )
    card = read_json(path / "card.json")
    digest = sha256(path / "weights.safetensors")
    stated = {"name": card["name"], "version": card["version"], "sha256": digest}
    return stated, tuple(fresh)


def _places(architecture: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Return the stage of each block, and its place there; empty without stages."""
    counts = architecture.get("blocks", ())
    return [(stage, k) for stage, count in enumerate(counts) for k in range(count)]


def take_types(
    network: Any,
    released: Any,
    rows: Mapping[int, int],
    pdfs: NDArray[np.float32],
    types: NDArray[np.int64],
) -> None:
    """Give a network the structure types of a released one of the same architecture.

    The weights of a type that both have are copied. Those of another one are predicted
    from the mean embedding of its crystals and from their number, by ridge regression
    on the common types; a type without crystals gets the mean of the predicted ones.

    Parameters
    ----------
    network, released
        The networks, of `gromega.networks.resnet.ResNet`.
    rows
        The type of the network by that of the released one, for the common types.
    pdfs, types
        The G(r) of crystals, (n, 209), and their types in the network, (n,).
    """
    old, new = (np.array(list(x), np.int64) for x in (rows, rows.values()))
    kernel, bias = (
        np.zeros(weights.shape, np.float32)
        for weights in (network.last.kernel[...], network.last.bias[...])
    )
    embeddings = Compiled(released).embed(pdfs)
    counts = np.bincount(types, minlength=bias.size)
    sums = np.zeros((bias.size, embeddings.shape[1]))
    np.add.at(sums, types, embeddings)
    # The last two columns are for the bias, and for the frequency of a type.
    x = np.column_stack([
        sums / np.maximum(counts, 1)[:, None], np.ones(bias.size),
        np.log(np.maximum(counts, 1)),
    ])  # fmt: skip
    columns = np.vstack([released.last.kernel[...], released.last.bias[...][None]])
    has = counts[new] > 0
    known, target = x[new[has]], columns[:, old[has]].T
    normal = known.T @ known
    normal += _RIDGE * np.trace(normal) / len(normal) * np.eye(len(normal))
    predicted = x @ np.linalg.solve(normal, known.T @ target)
    fresh = np.setdiff1d(np.arange(bias.size), new)
    seen = fresh[counts[fresh] > 0]
    if seen.size:
        predicted[fresh[counts[fresh] == 0]] = predicted[seen].mean(axis=0)
    predicted[new] = columns[:, old].T
    kernel[:], bias[:] = predicted[:, :-1].T, predicted[:, -1]
    network.last.kernel[...], network.last.bias[...] = map(jnp.asarray, (kernel, bias))


def average(
    before: nnx.Module,
    after: nnx.Module,
    parts: Sequence[LabelledPDFs],
    fresh: Collection[str] = (),
) -> tuple[nnx.Module, float]:
    """Return the best average of a network before and after a training, and its share.

    Fine-tuning loses accuracy on the data of the first training; an average of the
    weights before and after is often better than either (Wortsman et al., CVPR 2022,
    7959). The best has the lowest mean of -log p of the true class, summed over the
    parts, which are the validation part at several conditions. The share, one of
    `SHARES`, is that of the weights before; it is 0 for the fresh ones, which were
    random before.
    """
    start = nnx.state(before, WEIGHTS)
    graph, *states = nnx.split(after, WEIGHTS, ...)
    end, rest = states

    def mixed(share: float) -> nnx.Module:
        def mix(keys: Any, x: Array, y: Array) -> Array:
            return y if _name(keys) in fresh else share * x + (1 - share) * y

        weights = jax.tree_util.tree_map_with_path(mix, start, end)
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


def _name(keys: Iterable[Any]) -> str:
    """Return the name of a weight, such as ``last.kernel``, from its path."""
    parts = (getattr(key, "key", getattr(key, "name", key)) for key in keys)
    # JAX adds the attribute of the variable, Flax does not.
    return ".".join(str(part) for part in parts if part != "value")
