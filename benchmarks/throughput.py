"""Samples per second of training steps, and those of the same networks in PyTorch.

    python benchmarks/throughput.py --torch-python /tmp/torchenv/bin/python

PyTorch is no dependency: it is taken from an environment of its own, which holds
torch 2.13 and NumPy, and left out without one. Each of the two sides is a process, and
they take turns on the same two cores. A step is of the recipe's loss and optimizer,
without the stretching of its PDFs, at a constant learning rate in PyTorch. Others may
be at work on the machine: the rates are those of the fastest round, the ratio is the
median of those within rounds.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache

import numpy as np

N_GROUPS = 45
CASES = [("small", 128), ("small", 64)]
CASES += [("paper-one-tower", 128), ("paper-one-tower", 64)]


def data(batch):
    """Return G(r), (batch, 209), and classes, (batch,)."""
    rng = np.random.default_rng(0)
    g = rng.normal(size=(batch, 209)).astype(np.float32)
    return g, rng.integers(0, N_GROUPS, batch)


def jax_step(name: str, batch: int) -> Callable[[], float]:
    import jax
    import jax.numpy as jnp
    from flax import nnx

    from gromega.models.feeds import FixedFeed, Part
    from gromega.models.recipes import get_recipe, make_network
    from gromega.models.step import make_step

    recipe = get_recipe(name)
    optimizer = recipe.optimizer(epochs=100, steps=100)
    network = make_network(recipe.network, N_GROUPS, seed=0)
    graph, params, rest = nnx.split(network, nnx.Param, ...)
    g, y = data(batch)
    feed = FixedFeed(Part(np.arange(batch).astype(str), g, y))
    made = make_step(recipe, graph, optimizer, feed)
    step = jax.jit(made, donate_argnums=0)
    stock, pool, rows = feed.stock(0), feed.pool(0), jnp.arange(batch)
    state = params, rest, optimizer.init(params)
    key = jax.random.key(0)

    def take() -> float:
        nonlocal state
        state, loss = step(state, stock, pool, rows, key)
        return float(loss)

    return take


def torch_step(name: str, batch: int) -> Callable[[], float]:
    import torch
    from torch import nn

    torch.set_num_threads(2)

    def to_unit(g):
        low, high = g.aminmax(dim=1, keepdim=True)
        return ((g - low) / (high - low))[:, None, :]

    class Block(nn.Module):
        def __init__(self, inputs, outputs):
            super().__init__()
            self.main = nn.Sequential(
                nn.Conv1d(inputs, outputs, 5, stride=2, padding=2),
                nn.BatchNorm1d(outputs),
                nn.ReLU(),
                nn.Conv1d(outputs, outputs, 5, padding=2),
                nn.BatchNorm1d(outputs),
            )
            self.shortcut = nn.Conv1d(inputs, outputs, 1, stride=2)

        def forward(self, x):
            return torch.relu(self.main(x) + self.shortcut(x))

    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            widths = (40, 80, 160, 240)
            pairs = zip((40, *widths), widths, strict=False)
            self.stem = nn.Sequential(
                nn.Conv1d(1, 40, 5, padding=2), nn.BatchNorm1d(40), nn.ReLU()
            )
            self.blocks = nn.Sequential(*(Block(i, o) for i, o in pairs))
            self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(240, N_GROUPS))

        def forward(self, g):
            x = self.blocks(self.stem(to_unit(g)))
            return torch.log_softmax(self.head(x.mean(dim=2)), dim=1)

    class Liu(nn.Module):
        def __init__(self):
            super().__init__()
            self.tower = nn.Sequential(
                nn.BatchNorm1d(1),
                nn.Conv1d(1, 256, 32, padding="same"),
                nn.ReLU(),
                nn.BatchNorm1d(256),
                nn.Conv1d(256, 64, 32, padding="same"),
                nn.ReLU(),
                nn.BatchNorm1d(64),
                nn.MaxPool1d(2),
                nn.Dropout(0.5),
                nn.Flatten(),
                nn.Linear(104 * 64, 128),
                nn.ReLU(),
                nn.BatchNorm1d(128),
                nn.Dropout(0.5),
                nn.Linear(128, N_GROUPS),
                nn.Softmax(dim=1),
            )

        def forward(self, g):
            return torch.log(self.tower(to_unit(g)) + 1e-12)

    small = name == "small"
    network = Residual() if small else Liu()
    parameters = list(network.parameters())
    optimizer = (
        torch.optim.AdamW(parameters, lr=2e-3, weight_decay=0.05)
        if small
        else torch.optim.Adam(parameters, lr=5e-4)
    )
    kernels = [] if small else [each for each in parameters if each.ndim > 1]
    weights = torch.ones(N_GROUPS)
    g, y = map(torch.from_numpy, data(batch))

    def take() -> float:
        optimizer.zero_grad()
        log_p = network(g)
        loss = -(weights[y] * log_p.gather(1, y[:, None])[:, 0]).mean()
        if kernels:
            loss = loss + 1e-5 * sum((kernel**2).sum() for kernel in kernels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return take


def serve(side: str) -> None:
    """Answer each line of name, batch and number of steps with their seconds."""

    @cache
    def warm(name: str, batch: int) -> Callable[[], float]:
        step = {"jax": jax_step, "torch": torch_step}[side](name, batch)
        for _ in range(3):
            step()
        return step

    for line in sys.stdin:
        name, batch, steps = line.split()
        step = warm(name, int(batch))
        start = time.perf_counter()
        losses = [step() for _ in range(int(steps))]
        seconds = time.perf_counter() - start
        if not np.isfinite(losses).all():
            raise ValueError(f"the losses of {name} are {losses}.")
        print(seconds, flush=True)


def main(torch_python: str | None, rounds: int, steps: int) -> None:
    from rich.console import Console
    from rich.table import Table

    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    pythons = {"jax": sys.executable}
    if torch_python:
        pythons["torch"] = torch_python
    else:
        print("PyTorch is skipped: give its interpreter by --torch-python.")
    sides = {
        side: subprocess.Popen(
            [python, __file__, "--serve", side],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for side, python in pythons.items()
    }

    def ask(side: str, name: str, batch: int) -> float:
        process = sides[side]
        assert process.stdin and process.stdout
        print(name, batch, steps, file=process.stdin, flush=True)
        return batch * steps / float(process.stdout.readline())

    table = Table(title="samples per second, 2 threads")
    for heading in ("recipe", "batch", *sides, "ratio"):
        table.add_column(heading)
    for name, batch in CASES:
        turns = [[ask(side, name, batch) for side in sides] for _ in range(rounds)]
        fastest = np.max(turns, axis=0)
        cells = [f"{rate:.0f}" for rate in fastest]
        if torch_python:
            cells.append(f"{np.median([ours / theirs for ours, theirs in turns]):.2f}")
        table.add_row(name, str(batch), *cells)
    for process in sides.values():
        process.communicate()
    Console(highlight=False).print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--torch-python", help="an interpreter that has PyTorch")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--serve", choices=["jax", "torch"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
    else:
        main(options.torch_python, options.rounds, options.steps)
