"""The training loop over epochs."""

import math
import time
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from numpy.typing import ArrayLike

from gromega.training.checkpoint import Checkpoints
from gromega.training.devices import Devices, local
from gromega.training.history import Epoch, Progress, accuracies
from gromega.training.inputs import LabelledPDFs, TrainingInputs
from gromega.training.recipes import Recipe
from gromega.training.step import make_scan, make_step


def train_network(
    recipe: Recipe,
    network: nnx.Module,
    inputs: TrainingInputs,
    validation: LabelledPDFs,
    test_ids: ArrayLike,
    epochs: int,
    seed: int,
    box: LabelledPDFs | None = None,
    report: Callable[[Epoch | Progress], None] | None = None,
    folder: Path | None = None,
    scan: bool | None = None,
) -> tuple[nnx.Module, list[Epoch]]:
    """Train a network and return it as it was after its best epoch, and all epochs.

    The best epoch has the highest top-1 accuracy on the validation part: at the
    reference, or the mean of that and of the accuracy over the box. All devices share
    the rows of each batch.

    Parameters
    ----------
    recipe, network, inputs
        The recipe, the network to start from, which is left as it is, and its inputs.
    validation, box
        The validation part at the reference, and at conditions from the whole box.
    test_ids
        The ids of the test part, none of which may be trained on or validated on.
    epochs
        The number of epochs.
    seed
        The seed of dropout, of the order of the rows, and of each batch.
    report
        The function to call after every epoch, and after every step unless an epoch is
        one call.
    folder
        The folder of the checkpoints, from which a stopped training continues; none are
        written if None.
    scan
        Whether an epoch is one call (`jax.lax.scan`); if None, only on a GPU, since
        XLA's gradients of convolutions within a scan are slow on a CPU.

    Raises
    ------
    ValueError
        If a test crystal is among the training or validation crystals, if the crystals
        are too few for the devices, or if the loss is no longer finite.
    """
    leaked = np.intersect1d(np.concatenate([inputs.ids, validation.ids]), test_ids)
    if leaked.size:
        raise ValueError(
            f"{leaked.size} test crystals are among the training or validation "
            f"crystals, such as '{leaked[0]}'; make the split again with 'dvc repro'."
        )
    devices = Devices()
    size = inputs.rows(0).size
    batch = _batch_size(min(recipe.batch, size), devices.count, inputs.n_conditions)
    steps = size // batch
    graph, *states = jax.tree.map(jnp.copy, nnx.split(network, nnx.Param, ...))
    optimizer = recipe.optimizer(epochs, steps)
    state = (*states, optimizer.init(states[0]))
    scan = jax.default_backend() != "cpu" if scan is None else scan

    step = make_step(recipe, graph, optimizer, inputs)
    take_step = jax.jit(step, donate_argnums=0)
    take_epoch = jax.jit(make_scan(step, inputs), donate_argnums=(0, 2))
    checkpoints = Checkpoints(folder)
    history: list[Epoch] = []
    best = jax.tree.map(jnp.copy, states)
    done, losses = 0, np.zeros(steps, np.float32)

    def packed() -> dict[str, Any]:
        """Return everything a training needs to continue, as a pytree of arrays."""
        rows = [astuple(epoch) for epoch in history]
        rows += [(np.nan,) * 6] * (epochs - len(rows))
        return {
            "state": jax.tree.leaves(state),
            "best": jax.tree.leaves(best),
            "done": np.array(done),
            "losses": losses,
            "history": np.array(rows),
        }

    latest = checkpoints.restore(packed())
    if latest is not None:
        state = _unflatten(state, latest["state"])
        best = _unflatten(best, latest["best"])
        done, losses = int(latest["done"]), np.array(latest["losses"])
        rows = np.asarray(latest["history"])[: done // steps]
        history = [Epoch(int(row[0]), *map(float, row[1:])) for row in rows]
    state = devices.replicate(state)
    buffer = devices.replicate(inputs.operator_buffer(done))
    start, first = time.monotonic(), done
    for epoch in range(done // steps, epochs):
        arrays = devices.replicate(inputs.epoch_arrays(epoch))
        order = np.random.default_rng([seed, epoch]).permutation(inputs.rows(epoch))
        rows = order[: steps * batch].reshape(steps, batch)
        keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), epoch), steps)
        if scan:
            numbers = jnp.arange(epoch * steps, (epoch + 1) * steps)
            plan = devices.shard(rows), *devices.replicate((keys, numbers))
            state, buffer, taken = take_epoch(state, arrays, buffer, *plan)
            losses, done = np.array(local(taken)), (epoch + 1) * steps
        else:
            for i in range(done - epoch * steps, steps):
                plan = devices.shard(rows[i]), devices.replicate(keys[i])
                state, loss = take_step(state, arrays, buffer, *plan)
                buffer = inputs.refresh(buffer, done)
                losses[i] = float(local(loss))
                done += 1
                if report:
                    rate = (done - first) * batch / (time.monotonic() - start)
                    report(Progress(epoch + 1, i + 1, steps, float(losses[i]), rate))
                if done % steps and checkpoints.due():
                    checkpoints.save(done, packed())
        if not np.isfinite(losses).all():
            raise ValueError(
                f"the loss is {losses.mean()} in epoch {epoch + 1}; train again with a "
                "lower train.rate."
            )
        current = jax.tree.map(jnp.asarray, jax.tree.map(local, state[:2]))
        network = nnx.merge(graph, *current)
        result = Epoch(
            epoch + 1,
            float(losses.mean(dtype=np.float64)),
            *accuracies(network, validation),
            *(accuracies(network, box) if box else ()),
        )
        if not history or result.mean_top1 > max(past.mean_top1 for past in history):
            best = jax.tree.map(jnp.copy, list(current))
        history.append(result)
        if report:
            report(result)
        checkpoints.save(done, packed())
    return nnx.merge(graph, *best), history


def _batch_size(most: int, n_devices: int, n_conditions: int) -> int:
    """Return the largest batch that devices, and conditions if possible, divide."""
    for divisor in (math.lcm(n_devices, n_conditions), n_devices):
        if most >= divisor:
            return most // divisor * divisor
    raise ValueError(
        f"{most} crystals are too few to train on {n_devices} devices; use fewer "
        "devices."
    )


def _unflatten(tree: Any, leaves: Any) -> Any:
    """Return leaves as a pytree of the same structure as another."""
    arrays = [jnp.asarray(leaf) for leaf in leaves]
    return jax.tree.unflatten(jax.tree.structure(tree), arrays)
