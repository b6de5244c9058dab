r"""Samples per second of training steps, and those of the same networks in PyTorch.

    python benchmarks/throughput.py --torch-python /tmp/torchenv/bin/python
    python benchmarks/throughput.py --torch-python python --steps 200 \
        --case paper:1024 --case robust:1024 --case robust:4096  # on a GPU

PyTorch is no dependency: it is taken from an environment of its own, which holds
torch 2.13 and NumPy, and left out without one. Each of the two sides is a process, and
they take turns on the same two cores, or on the GPU where both see one. A step is of
the recipe's loss and optimizer (`robust`: AdamW on both sides), without the making of
its PDFs, at a constant learning rate in PyTorch, whose steps are eager; matrices of
either may be rounded as the tensor cores of a GPU do (TF32). Others may be at work on
the machine: the rates are those of the fastest round, the ratio is the median of those
within rounds. TFLOP/s are by the count of XLA for the step of JAX.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial

import numpy as np

N_GROUPS = 45
N_TYPES = 11_616
CASES = ["small:128", "small:64", "paper-one-tower:128", "paper-one-tower:64"]
CASES += ["robust:256"]


def data(batch):
    """Return G(r), (batch, 209), classes and structure types, (batch,)."""
    rng = np.random.default_rng(0)
    g = rng.normal(size=(batch, 209)).astype(np.float32)
    types = rng.integers(0, N_TYPES, batch)
    return g, types % N_GROUPS, types


def jax_steps(name: str, batch: int, steps: int) -> Callable[[], float]:
    """Return what takes steps, all in one call on a GPU, and returns the last loss."""
    import jax
    import jax.numpy as jnp
    from flax import nnx

    from gromega.networks.build import make_network
    from gromega.training.inputs import FixedInputs, Part
    from gromega.training.recipes import get_recipe
    from gromega.training.step import make_scan, make_step

    recipe = replace(get_recipe(name), muon=False)
    optimizer = recipe.optimizer(epochs=100, steps=100)
    typed = {"n_types": N_TYPES} if recipe.types else {}
    network = make_network({**recipe.network, **typed}, N_GROUPS, seed=0)
    g, y, types = data(batch)
    feed = FixedInputs(Part(np.arange(batch).astype(str), g, y))
    if typed:
        feed.types = types
        network.group_of_type[...] = jnp.arange(N_TYPES, dtype=jnp.int32) % N_GROUPS
    graph, params, rest = nnx.split(network, nnx.Param, ...)
    step = make_step(recipe, graph, optimizer, feed)
    stock, pool, rows = feed.stock(0), feed.pool(0), jnp.arange(batch)
    state = params, rest, optimizer.init(params)
    keys = jax.random.split(jax.random.key(0), steps)
    one = jax.jit(step, donate_argnums=0)
    counted = one.lower(state, stock, pool, rows, keys[0]).compile().cost_analysis()
    print(counted.get("flops", float("nan")) / batch, flush=True)
    if jax.default_backend() == "gpu":
        scan = jax.jit(make_scan(step, feed), donate_argnums=0)
        order, numbers = jnp.tile(rows, (steps, 1)), jnp.arange(steps)

        def take() -> float:
            nonlocal state
            state, _, losses = scan(state, stock, pool, order, keys, numbers)
            return float(losses[-1])

        return take

    def take_each() -> float:
        nonlocal state
        for key in keys:
            state, loss = one(state, stock, pool, rows, key)
        return float(loss)

    return take_each


def torch_steps(name: str, batch: int, steps: int) -> Callable[[], float]:
    """Return what takes steps in turn and returns the last loss."""
    import torch
    from torch import nn
    from torch.nn import functional

    torch.set_num_threads(2)
    torch.set_float32_matmul_precision("high")
    device = "cuda" if torch.cuda.is_available() else "cpu"

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

    def tower():
        return nn.Sequential(
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

    class Liu(nn.Module):
        def __init__(self, towers):
            super().__init__()
            self.norm = nn.BatchNorm1d(1)
            self.towers = nn.ModuleList(tower() for _ in range(towers))

        def forward(self, g):
            x = self.norm(to_unit(g))
            mean = sum(each(x) for each in self.towers) / len(self.towers)
            return torch.log(mean + 1e-12)

    class PreBlock(nn.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.first_norm = nn.GroupNorm(8, inputs)
            self.first = nn.Conv1d(inputs, outputs, 5, stride=stride, padding=2)
            self.second_norm = nn.GroupNorm(8, outputs)
            self.second = nn.Conv1d(outputs, outputs, 5, padding=2)
            self.gain = nn.Parameter(torch.zeros(1))
            alike = stride == 1 and inputs == outputs
            self.shortcut = None if alike else nn.Conv1d(inputs, outputs, 1, stride)

        def forward(self, x):
            y = functional.silu(self.first_norm(x))
            z = self.second(functional.silu(self.second_norm(self.first(y))))
            return (self.shortcut(y) if self.shortcut else x) + self.gain * z

    class Typed(nn.Module):
        """The network of the recipe `robust`, to log p of structure types."""

        def __init__(self, widths, blocks, dense, embedding):
            super().__init__()
            self.stem = nn.Conv1d(2, widths[0], 7, padding=3)
            made, inputs, places = [], widths[0], 209
            for width, count in zip(widths, blocks, strict=True):
                places = -(-places // 2)
                for k in range(count):
                    made.append(PreBlock(inputs, width, 1 if k else 2))
                    inputs = width
            self.blocks = nn.Sequential(*made)
            self.norm = nn.GroupNorm(8, inputs)
            self.drop = nn.Dropout(0.1)
            self.dense = nn.Linear(places * inputs, dense)
            self.embedding = nn.Linear(dense, embedding)
            self.last = nn.Linear(embedding, N_TYPES)

        def forward(self, g):
            g = g / g.abs().amax(dim=1, keepdim=True)
            power = (g**2)[:, None]
            mean = power.mean(dim=2, keepdim=True)
            local = functional.avg_pool1d(power, 33, stride=1, padding=16)
            levels = (mean + 1e-12).rsqrt(), (local + 1e-3 * mean + 1e-12).rsqrt()
            views = torch.cat([g[:, None] * level for level in levels], dim=1)
            x = self.blocks(self.stem(views))
            x = functional.silu(self.norm(x)).flatten(1)
            x = self.embedding(functional.silu(self.dense(self.drop(x))))
            x = x * ((x**2).mean(dim=1, keepdim=True) + 1e-6).rsqrt()
            return torch.log_softmax(self.last(x), dim=1)

    if name == "small":
        network = Residual()
    elif name == "robust":
        network = Typed((48, 96, 192, 256), (1, 1, 1, 1), 320, 192)
    else:
        network = Liu(1 if name == "paper-one-tower" else 3)
    network.to(device)
    parameters = list(network.parameters())
    optimizer = {
        "small": partial(torch.optim.AdamW, lr=2e-3, weight_decay=0.05),
        "robust": partial(torch.optim.AdamW, lr=2e-3, weight_decay=0.02),
    }.get(name, partial(torch.optim.Adam, lr=5e-4))(parameters)
    liu = name.startswith("paper")
    kernels = [each for each in parameters if each.ndim > 1] if liu else []
    weights = torch.ones(N_GROUPS, device=device)
    g, y, types = (torch.from_numpy(array).to(device) for array in data(batch))
    belongs = functional.one_hot(torch.arange(N_TYPES, device=device) % N_GROUPS)
    belongs = belongs.to(torch.float32)

    def loss_of():
        log_p, loss = network(g), 0.0
        if name == "robust":
            loss = -0.5 * log_p.gather(1, types[:, None]).mean()
            log_p = torch.log((log_p.exp() @ belongs).clamp(min=1e-30))
        loss = loss - (weights[y] * log_p.gather(1, y[:, None])[:, 0]).mean()
        return loss + 1e-5 * sum((kernel**2).sum() for kernel in kernels)

    def take() -> float:
        for _ in range(steps):
            optimizer.zero_grad()
            loss = loss_of()
            loss.backward()
            optimizer.step()
        return loss.item()

    return take


def serve(side: str) -> None:
    """Prediction each line of name, batch and number of steps with their seconds.

    JAX says first how many operations a sample takes.
    """

    @cache
    def warm(name: str, batch: int, steps: int) -> Callable[[], float]:
        take = {"jax": jax_steps, "torch": torch_steps}[side](name, batch, steps)
        take()
        return take

    for line in sys.stdin:
        name, *numbers = line.split()
        take = warm(name, *map(int, numbers))
        start = time.perf_counter()
        loss = take()
        seconds = time.perf_counter() - start
        if not np.isfinite(loss):
            raise ValueError(f"the loss of {name} is {loss}.")
        print(seconds, flush=True)


def main(torch_python: str | None, rounds: int, steps: int, cases: list[str]) -> None:
    from rich.console import Console
    from rich.table import Table

    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    pythons = {"jax": sys.executable}
    if torch_python:
        pythons["torch"] = torch_python
    else:
        print("PyTorch is skipped: give its interpreter by --torch-python.")
    # Each side takes what it needs of the memory of a GPU, not most of it.
    environment = {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    sides = {
        side: subprocess.Popen(
            [python, __file__, "--serve", side],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for side, python in pythons.items()
    }
    operations: dict[str, float] = {}

    def ask(side: str, case: str) -> float:
        process = sides[side]
        assert process.stdin and process.stdout
        name, batch = case.split(":")
        print(name, batch, steps, file=process.stdin, flush=True)
        if side == "jax" and case not in operations:
            operations[case] = float(process.stdout.readline())
        return int(batch) * steps / float(process.stdout.readline())

    table = Table(title="samples per second")
    for heading in ("recipe", "batch", *sides, "ratio", "TFLOP/s"):
        table.add_column(heading)
    for case in cases:
        turns = [[ask(side, case) for side in sides] for _ in range(rounds)]
        fastest = np.max(turns, axis=0)
        cells = [f"{rate:.0f}" for rate in fastest]
        ratio = ""
        if torch_python:
            ratio = f"{np.median([ours / theirs for ours, theirs in turns]):.2f}"
        speed = f"{fastest[0] * operations[case] / 1e12:.3g}"
        table.add_row(*case.split(":"), *cells, ratio, speed)
    for process in sides.values():
        process.communicate()
    Console(highlight=False).print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--torch-python", help="an interpreter that has PyTorch")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--case", action="append", help="a recipe and a batch size")
    parser.add_argument("--serve", choices=["jax", "torch"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
    else:
        main(options.torch_python, options.rounds, options.steps, options.case or CASES)
