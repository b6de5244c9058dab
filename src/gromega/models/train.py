"""Training: one function that loops over epochs, one that is a step."""

import csv
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array
from numpy.typing import ArrayLike, NDArray

from gromega.models.augment import stretch, stretch_matrices
from gromega.models.recipes import Recipe, make_network

EVAL_BATCH = 512


@dataclass(frozen=True)
class Part:
    """The inputs and the classes of one part of a split.

    Parameters
    ----------
    ids
        The ids of the crystals, (n,).
    x
        Scaled G(r), (n, 209) float32.
    y
        The classes, (n,), indices into the model's space groups.
    """

    ids: NDArray[np.str_]
    x: NDArray[np.float32]
    y: NDArray[np.int64]


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to: the loss, and the accuracy on the validation part."""

    epoch: int
    loss: float
    top1: float
    top6: float


def top_k(
    log_probabilities: NDArray[np.float32], y: NDArray[np.int64], k: int
) -> float:
    """Return the share of rows whose class is among the k most probable.

    Of classes as probable, the first comes first, as in `Model.rank`.
    """
    order = np.argsort(-log_probabilities, axis=1, kind="stable")
    return float(np.mean((order[:, :k] == y[:, None]).any(axis=1)))


def _loss(
    params: nnx.State,
    rest: nnx.State,
    graph: Any,
    x: Array,
    y: Array,
    weights: Array,
    key: Array,
    l2: float,
) -> tuple[Array, nnx.State]:
    model = nnx.merge(graph, params, rest, copy=True)
    model.train()
    log_p = model(x, rngs=nnx.Rngs(dropout=key))
    loss = -jnp.mean(weights[y] * log_p[jnp.arange(y.size), y])
    if l2:
        kernels = [
            leaf
            for path, leaf in jax.tree_util.tree_leaves_with_path(params)
            if any(getattr(part, "key", None) == "kernel" for part in path)
        ]
        loss += l2 * sum(jnp.sum(kernel**2) for kernel in kernels)
    return loss, nnx.state(model, nnx.Not(nnx.Param))


def fit(
    recipe: Recipe,
    n_groups: int,
    train: Part,
    validation: Part,
    held_out: ArrayLike,
    epochs: int,
    seed: int,
    report: Callable[[Epoch], None] | None = None,
) -> tuple[nnx.Module, list[Epoch]]:
    """Train a network and return it as it was in its best epoch.

    The best epoch is the one of highest top-1 accuracy on the validation part.

    Parameters
    ----------
    recipe
        The recipe.
    n_groups
        The number of classes.
    train, validation
        The two parts; nothing else is seen.
    held_out
        The ids of the test part, to refuse any of them.
    epochs
        The number of epochs.
    seed
        The seed of weights, dropout and the order of the data.
    report
        Called after every epoch.

    Raises
    ------
    ValueError
        If a crystal of the test part is to be learned from or chosen by, or the loss
        is no longer finite.
    """
    leaked = np.intersect1d(np.concatenate([train.ids, validation.ids]), held_out)
    if leaked.size:
        raise ValueError(
            f"{leaked.size} crystals of the test part are among those to train with, "
            f"such as '{leaked[0]}'; make the split again with 'dvc repro'."
        )
    batch = min(recipe.batch, train.y.size)
    steps = train.y.size // batch
    network = make_network(recipe.network, n_groups, seed)
    graph, *states = nnx.split(network, nnx.Param, ...)
    params, rest = states
    optimizer = recipe.optimizer(epochs, steps)
    state = optimizer.init(params)
    counts = np.bincount(train.y, minlength=n_groups)
    balanced = train.y.size / np.maximum(counts, 1)
    weights = jnp.asarray(balanced if recipe.balanced else np.ones(n_groups), float)

    strains = jnp.asarray(stretch_matrices(recipe.stretch) if recipe.stretch else 0)

    @partial(jax.jit, donate_argnums=(0, 1, 2))
    def step(
        params: nnx.State, rest: nnx.State, state: Any, x: Array, y: Array, key: Array
    ) -> tuple[nnx.State, nnx.State, Any, Array]:
        drop_key, strain_key = jax.random.split(key)
        if recipe.stretch:
            x = stretch(x, strain_key, strains)
        value = jax.value_and_grad(_loss, has_aux=True)
        (loss, rest), gradient = value(
            params, rest, graph, x, y, weights, drop_key, recipe.l2
        )
        updates, state = optimizer.update(gradient, state, params)
        params = jax.tree.map(jnp.add, params, updates)
        return params, rest, state, loss

    history: list[Epoch] = []
    best: tuple[float, Any] | None = None
    for epoch in range(epochs):
        order = np.random.default_rng([seed, epoch]).permutation(train.y.size)
        keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), epoch), steps)
        total = 0.0
        for i in range(steps):
            rows = order[i * batch : (i + 1) * batch]
            params, rest, state, loss = step(
                params, rest, state, train.x[rows], train.y[rows], keys[i]
            )
            total += float(loss)
        if not np.isfinite(total):
            raise ValueError(
                f"the loss is {total} in epoch {epoch + 1}; lower the learning rate."
            )
        log_p = predict(nnx.merge(graph, params, rest), validation.x)
        result = Epoch(
            epoch + 1,
            total / steps,
            top_k(log_p, validation.y, 1),
            top_k(log_p, validation.y, 6),
        )
        history.append(result)
        if best is None or result.top1 > best[0]:
            best = result.top1, jax.tree.map(jnp.copy, (params, rest))
        if report:
            report(result)
    assert best is not None
    return nnx.merge(graph, *best[1]), history


def predict(network: nnx.Module, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the log-probabilities of a network, (n, n_groups), for x (n, 209)."""
    network.eval()
    graph, state = nnx.split(network)
    out = []
    for start in range(0, len(x), EVAL_BATCH):
        block = x[start : start + EVAL_BATCH]
        padded = np.pad(block, ((0, EVAL_BATCH - len(block)), (0, 0)))
        out.append(np.asarray(_forward(graph, state, padded))[: len(block)])
    log_p = np.concatenate(out)
    if not np.isfinite(log_p).all():
        raise ValueError(
            "the network gives numbers that are not finite; train it anew at a "
            "lower learning rate, or check its input."
        )
    return log_p


@partial(jax.jit, static_argnums=0)
def _forward(graph: Any, state: nnx.State, x: Array) -> Array:
    return nnx.merge(graph, state)(x)


def write_history(path: Path, history: list[Epoch]) -> None:
    """Write loss and accuracy by epoch to a CSV file."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(asdict(history[0])), lineterminator="\n")
        writer.writeheader()
        for epoch in history:
            row = asdict(epoch)
            writer.writerow({k: f"{v:.6g}" for k, v in row.items()})


def summary(
    history: list[Epoch], train: Part, validation: Part
) -> dict[str, float | int]:
    """Return the best epoch, its accuracies, and the sizes of the parts."""
    best = max(history, key=lambda epoch: epoch.top1)
    return {
        "best_epoch": best.epoch,
        "n_train": int(train.y.size),
        "n_validation": int(validation.y.size),
        "validation_top1": round(best.top1, 6),
        "validation_top6": round(best.top6, 6),
    }
