"""The training loop over epochs."""

import math
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from numpy.typing import ArrayLike, NDArray

from gromega.training.checkpoint import Checkpoints
from gromega.training.devices import Devices, local
from gromega.training.history import Epoch, Progress, accuracies
from gromega.training.inputs import LabelledPDFs, TrainingInputs
from gromega.training.moving_average import new_average
from gromega.training.recipes import Recipe
from gromega.training.step import State, make_scan, make_step

# The room for the history in a checkpoint, which has the same size whatever the number
# of epochs.
_EPOCHS = 10_000


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
    scan = jax.default_backend() != "cpu" if scan is None else scan

    step = make_step(recipe, graph, optimizer, inputs)
    take_step = jax.jit(step, donate_argnums=0)
    take_epoch = jax.jit(make_scan(step, inputs), donate_argnums=(0, 2))
    mean = new_average(tuple(states)) if recipe.constant else None
    state = (*states, optimizer.init(states[0]), mean)
    run = _Run(state, jax.tree.map(jnp.copy, states), np.zeros(steps, np.float32))
    checkpoints = Checkpoints(folder)
    if (latest := checkpoints.restore(run.packed(epochs))) is not None:
        run.restore(latest)
    if run.done > epochs * steps:
        raise ValueError(
            f"{folder} has a training of {run.done / steps:.3g} epochs; raise "
            "train.epochs to go on with it, or delete that folder to start again."
        )
    run.state = devices.replicate(run.state)
    buffer = devices.replicate(inputs.operator_buffer(run.done))
    start, first = time.monotonic(), run.done
    for epoch in range(run.done // steps, epochs):
        arrays = devices.replicate(inputs.epoch_arrays(epoch))
        order = np.random.default_rng([seed, epoch]).permutation(inputs.rows(epoch))
        rows = order[: steps * batch].reshape(steps, batch)
        keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), epoch), steps)
        if scan:
            numbers = jnp.arange(epoch * steps, (epoch + 1) * steps)
            plan = devices.shard(rows), *devices.replicate((keys, numbers))
            run.state, buffer, taken = take_epoch(run.state, arrays, buffer, *plan)
            run.losses, run.done = np.array(local(taken)), (epoch + 1) * steps
        else:
            for i in range(run.done - epoch * steps, steps):
                plan = devices.shard(rows[i]), devices.replicate(keys[i])
                run.state, loss = take_step(run.state, arrays, buffer, *plan)
                buffer = inputs.refresh(buffer, run.done)
                run.losses[i] = float(local(loss))
                run.done += 1
                if report:
                    rate = (run.done - first) * batch / (time.monotonic() - start)
                    report(Progress(epoch + 1, i + 1, steps, float(loss), rate))
                if run.done % steps and checkpoints.due():
                    checkpoints.save(run.done, run.packed(epochs))
        if not np.isfinite(run.losses).all():
            raise ValueError(
                f"the loss is {run.losses.mean()} in epoch {epoch + 1}; train again "
                "with a lower train.rate."
            )
        current = jax.tree.map(jnp.asarray, jax.tree.map(local, run.values()))
        result = Epoch(
            epoch + 1,
            float(run.losses.mean(dtype=np.float64)),
            *accuracies(nnx.merge(graph, *current), validation),
            *(accuracies(nnx.merge(graph, *current), box) if box else ()),
        )
        run.add(result, current)
        if report:
            report(result)
        checkpoints.save(run.done, run.packed(epochs))
    return nnx.merge(graph, *run.best), run.history


@dataclass
class _Run:
    """A training as far as it has come: everything that it needs to continue."""

    state: State
    best: list[Any]  # the values of the best epoch
    losses: NDArray[np.float32]  # of the steps of the epoch, (steps,)
    done: int = 0  # steps
    history: list[Epoch] = field(default_factory=list)

    def values(self) -> list[Any]:
        """Return parameters and variables of the network, or their moving average."""
        *values, _, mean = self.state
        return values if mean is None else list(mean[1])

    def add(self, result: Epoch, values: list[Any]) -> None:
        """Add the result of an epoch; its values are kept if it is the best."""
        if all(result.mean_top1 > past.mean_top1 for past in self.history):
            self.best = jax.tree.map(jnp.copy, values)
        self.history.append(result)

    def packed(self, epochs: int) -> dict[str, Any]:
        """Return the training as a pytree of arrays of the same shapes at any time."""
        rows = np.full((max(_EPOCHS, epochs), 6), np.nan)
        for row, epoch in zip(rows, self.history, strict=False):
            row[:] = astuple(epoch)
        return {
            "state": jax.tree.leaves(self.state),
            "best": jax.tree.leaves(self.best),
            "done": np.array(self.done),
            "losses": self.losses,
            "history": rows,
        }

    def restore(self, packed: dict[str, Any]) -> None:
        """Continue from what `packed` returned."""
        self.state = _unflatten(self.state, packed["state"])
        self.best = _unflatten(self.best, packed["best"])
        self.done, self.losses = int(packed["done"]), np.array(packed["losses"])
        rows = np.asarray(packed["history"])[: self.done // self.losses.size]
        self.history = [Epoch(int(row[0]), *map(float, row[1:])) for row in rows]


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
