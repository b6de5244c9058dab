r"""Training samples per second in JAX, and of the same networks in PyTorch.

    python benchmarks/throughput.py --torch-python /tmp/torchenv/bin/python
    python benchmarks/throughput.py --torch-python python --steps 200 \
        --case paper:1024 --case robust:1024 --case robust:4096  # on a GPU

PyTorch is no dependency: `--torch-python` names an interpreter with torch 2.13 and
NumPy; without it, JAX alone is measured. JAX and PyTorch run in turns, in a process
each, on the same two cores or the same GPU.

A step has the recipe's loss and optimizer (`robust`: AdamW on both sides) but does not
compute its PDFs. PyTorch runs eagerly at a constant learning rate. On a GPU both may
use TF32. The table shows the fastest round of each side, the median of the ratios
within rounds, since other programs may run on the machine, and TFLOP/s by XLA's count
for the step of JAX.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
from throughput_data import N_GROUPS, N_TYPES, data

CASES = ["small:128", "small:64", "paper-one-tower:128", "paper-one-tower:64"]
CASES += ["robust:256"]


def jax_steps(name: str, batch: int, steps: int) -> Callable[[], float]:
    """Return a function that takes steps (a GPU in one call) and returns the loss."""
    import jax
    import jax.numpy as jnp
    from flax import nnx

    from gromega.networks.build import make_network
    from gromega.training.devices import Devices
    from gromega.training.inputs import FixedInputs, LabelledPDFs
    from gromega.training.recipes import get_recipe
    from gromega.training.step import make_scan, make_step

    recipe = replace(get_recipe(name), muon=False)
    optimizer = recipe.optimizer(epochs=100, steps=100)
    of_types = {"n_types": N_TYPES} if recipe.type_weight else {}
    network = make_network({**recipe.network, **of_types}, N_GROUPS, seed=0)
    g, y, types = data(batch)
    inputs = FixedInputs(LabelledPDFs(np.arange(batch).astype(str), g, y))
    if of_types:
        inputs.types = types
        network.group_of_type[...] = jnp.arange(N_TYPES, dtype=jnp.int32) % N_GROUPS
    graph, params, rest = nnx.split(network, nnx.Param, ...)
    step = make_step(recipe, graph, optimizer, inputs)
    devices = Devices()
    arrays, buffer = map(
        devices.replicate, (inputs.epoch_arrays(0), inputs.operator_buffer(0))
    )
    rows = devices.shard(np.arange(batch))
    state = devices.replicate((params, rest, optimizer.init(params), None))
    keys = devices.replicate(jax.random.split(jax.random.key(0), steps))
    one = jax.jit(step, donate_argnums=0)
    counted = one.lower(state, arrays, buffer, rows, keys[0]).compile().cost_analysis()
    print(counted.get("flops", float("nan")) / batch, flush=True)
    if jax.default_backend() == "gpu":
        scan = jax.jit(make_scan(step, inputs), donate_argnums=0)
        order = devices.shard(np.tile(np.arange(batch), (steps, 1)))
        numbers = devices.replicate(jnp.arange(steps))

        def take() -> float:
            nonlocal state
            state, _, losses = scan(state, arrays, buffer, order, keys, numbers)
            return float(losses[-1])

        return take

    def take_each() -> float:
        nonlocal state
        for key in keys:
            state, loss = one(state, arrays, buffer, rows, key)
        return float(loss)

    return take_each


def serve(side: str) -> None:
    """Reply to each line of recipe, batch and number of steps with the time in seconds.

    Before its first time for a recipe, JAX prints the operations of a sample.
    """
    if side == "jax":
        from gromega._util.parallel import keep_memory

        keep_memory()  # as the stage train does
        make = jax_steps
    else:
        from throughput_torch import torch_steps as make

    @cache
    def warm(name: str, batch: int, steps: int) -> Callable[[], float]:
        take = make(name, batch, steps)
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
    # Without this, JAX would reserve most of the memory of a GPU.
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
