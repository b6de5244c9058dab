"""Training: the loop over epochs, and what it comes to."""

import csv
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from numpy.typing import ArrayLike, NDArray

from gromega._util.files import write_whole
from gromega.networks.inference import Compiled
from gromega.networks.logits import ranks
from gromega.training.checkpoint import Checkpoints
from gromega.training.devices import Devices, here
from gromega.training.inputs import Part, TrainingInputs
from gromega.training.recipes import Recipe
from gromega.training.step import State, make_scan, make_step


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to.

    Parameters
    ----------
    epoch
        The number of the epoch, from 1.
    loss
        The mean loss.
    top1, top6
        The accuracies on the validation part at the reference.
    box_top1, box_top6
        The same at conditions from all over the box; nan for a recipe without one.
    """

    epoch: int
    loss: float
    top1: float
    top6: float
    box_top1: float = float("nan")
    box_top6: float = float("nan")

    @property
    def merit(self) -> float:
        """What the best epoch has most of: the mean top-1 accuracy."""
        return float(np.nanmean([self.top1, self.box_top1]))


@dataclass(frozen=True)
class Progress:
    """Where a training is: for a progress bar."""

    epoch: int
    step: int
    steps: int
    loss: float
    rate: float


def train_network(
    recipe: Recipe,
    network: nnx.Module,
    feed: TrainingInputs,
    validation: Part,
    test_crystals: ArrayLike,
    epochs: int,
    seed: int,
    box: Part | None = None,
    report: Callable[[Epoch | Progress], None] | None = None,
    folder: Path | None = None,
    scan: bool | None = None,
) -> tuple[nnx.Module, list[Epoch]]:
    """Train a network and return it as it was in its best epoch.

    The best epoch is the one of highest top-1 accuracy on the validation part, the
    mean of that at the reference and over the box where there is one. All devices
    share the rows of each batch.

    Parameters
    ----------
    recipe
        The recipe.
    network
        The network as it starts; it stays as it is.
    feed
        What gives the batches.
    validation
        The validation part at the reference.
    test_crystals
        The ids of the test part, to refuse any of them.
    epochs
        The number of epochs.
    seed
        The seed of dropout and the order of the data.
    box
        The validation part at conditions from the whole box.
    report
        Called after every epoch, and after every step that is a call of its own.
    folder
        Where the state is kept, to go on from there if there is one; nowhere if left
        out.
    scan
        Whether an epoch is one call, as a GPU likes it; if left out, where there is a
        GPU. On a CPU XLA is slow at gradients of convolutions within a scan.

    Raises
    ------
    ValueError
        If a crystal of the test part is to be learned from or chosen by, or the loss
        is no longer finite.
    """
    _refuse_leaks(np.concatenate([feed.ids, validation.ids]), test_crystals)
    devices = Devices()
    size = feed.rows(0).size
    batch = _batch_size(min(recipe.batch, size), devices.count, feed.mixed)
    steps = size // batch
    graph, *states = jax.tree.map(jnp.copy, nnx.split(network, nnx.Param, ...))
    optimizer = recipe.optimizer(epochs, steps)
    state = (*states, optimizer.init(states[0]))
    scan = jax.default_backend() != "cpu" if scan is None else scan

    one = make_step(recipe, graph, optimizer, feed)
    take_step = jax.jit(one, donate_argnums=0)
    take_all = jax.jit(make_scan(one, feed), donate_argnums=(0, 2))
    checkpoints = Checkpoints(folder)
    history: list[Epoch] = []
    best = jax.tree.map(jnp.copy, states)
    done, losses = 0, np.zeros(steps, np.float32)

    def packed() -> dict[str, Any]:
        return _pack(state, best, done, losses, history, epochs)

    kept = checkpoints.restore(packed())
    if kept is not None:
        state, best, done, losses, history = _unpack(kept, state, best)
    state = devices.everywhere(state)
    pool = devices.everywhere(feed.pool(done))
    start, first = time.monotonic(), done
    for epoch in range(done // steps, epochs):
        stock = devices.everywhere(feed.stock(epoch))
        order = np.random.default_rng([seed, epoch]).permutation(feed.rows(epoch))
        rows = order[: steps * batch].reshape(steps, batch)
        keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), epoch), steps)
        if scan:
            numbers = jnp.arange(epoch * steps, (epoch + 1) * steps)
            plan = devices.shared(rows), *devices.everywhere((keys, numbers))
            state, pool, taken = take_all(state, stock, pool, *plan)
            losses, done = np.array(here(taken)), (epoch + 1) * steps
        else:
            for i in range(done - epoch * steps, steps):
                plan = devices.shared(rows[i]), devices.everywhere(keys[i])
                state, loss = take_step(state, stock, pool, *plan)
                pool = feed.renew(pool, done)
                losses[i] = float(here(loss))
                done += 1
                if report:
                    rate = (done - first) * batch / (time.monotonic() - start)
                    report(Progress(epoch + 1, i + 1, steps, float(losses[i]), rate))
                if done % steps and checkpoints.due():
                    checkpoints.save(done, packed())
        if not np.isfinite(losses).all():
            raise ValueError(
                f"the loss is {losses.mean()} in epoch {epoch + 1}; lower the learning "
                "rate."
            )
        current = jax.tree.map(jnp.asarray, jax.tree.map(here, state[:2]))
        network = nnx.merge(graph, *current)
        result = Epoch(
            epoch + 1,
            float(losses.mean(dtype=np.float64)),
            *_accuracies(network, validation),
            *(_accuracies(network, box) if box else ()),
        )
        if not history or result.merit > max(past.merit for past in history):
            best = jax.tree.map(jnp.copy, list(current))
        history.append(result)
        if report:
            report(result)
        checkpoints.save(done, packed())
    return nnx.merge(graph, *best), history


def _batch_size(most: int, n_devices: int, mixed: int) -> int:
    """Return how many rows a batch has: as many for each device and each condition."""
    for whole in (math.lcm(n_devices, mixed), n_devices):
        if most >= whole:
            return most // whole * whole
    raise ValueError(
        f"{most} crystals are too few to train on with {n_devices} devices; use fewer."
    )


def _refuse_leaks(ids: NDArray[np.str_], test_crystals: ArrayLike) -> None:
    leaked = np.intersect1d(ids, test_crystals)
    if leaked.size:
        raise ValueError(
            f"{leaked.size} crystals of the test part are among those to train with, "
            f"such as '{leaked[0]}'; make the split again with 'dvc repro'."
        )


def _accuracies(network: nnx.Module, part: Part) -> tuple[float, float]:
    rank = ranks(Compiled(network).predict(part.g), part.y)
    return float(np.mean(rank < 1)), float(np.mean(rank < 6))


def _pack(
    state: State,
    best: Any,
    done: int,
    losses: NDArray[np.float32],
    history: list[Epoch],
    epochs: int,
) -> dict[str, Any]:
    """Return all that a training needs to go on, as a tree of arrays."""
    rows = np.full((epochs, 6), np.nan)
    for row, epoch in zip(rows, history, strict=False):
        row[:] = list(asdict(epoch).values())
    return {
        "state": jax.tree.leaves(state),
        "best": jax.tree.leaves(best),
        "done": np.array(done),
        "losses": losses,
        "history": rows,
    }


def _unpack(packed: dict[str, Any], state: State, best: Any) -> tuple[Any, ...]:
    """Return state, best, done, losses and history of `_pack`."""

    def like(tree: Any, leaves: Any) -> Any:
        arrays = [jnp.asarray(leaf) for leaf in leaves]
        return jax.tree.unflatten(jax.tree.structure(tree), arrays)

    history = [
        Epoch(int(row[0]), *map(float, row[1:]))
        for row in np.asarray(packed["history"])
        if np.isfinite(row[0])
    ]
    return (
        like(state, packed["state"]),
        like(best, packed["best"]),
        int(packed["done"]),
        np.array(packed["losses"]),
        history,
    )


def write_history(path: Path, history: list[Epoch]) -> None:
    """Write loss and accuracy by epoch to a CSV file."""
    text = StringIO()
    writer = csv.DictWriter(text, list(asdict(history[0])), lineterminator="\n")
    writer.writeheader()
    for epoch in history:
        row = asdict(epoch)
        writer.writerow({k: "" if np.isnan(v) else f"{v:.6g}" for k, v in row.items()})
    write_whole(path, text.getvalue())


def summary(
    history: list[Epoch],
    network: nnx.Module,
    n_train: int,
    validation: Part,
    box: Part | None = None,
) -> dict[str, float | int]:
    """Return the best epoch, the accuracies of the network, and sizes of the parts."""
    best = max(history, key=lambda epoch: epoch.merit)
    top1, top6 = _accuracies(network, validation)
    found: dict[str, float | int] = {
        "best_epoch": best.epoch,
        "n_train": n_train,
        "n_validation": int(validation.y.size),
        "validation_top1": round(top1, 6),
        "validation_top6": round(top6, 6),
    }
    if box:
        top1, top6 = _accuracies(network, box)
        found["validation_box_top1"] = round(top1, 6)
        found["validation_box_top6"] = round(top6, 6)
    return found
