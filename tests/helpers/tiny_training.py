"""A tiny training on variants, for a process of its own."""

import hashlib
import os
import time
from dataclasses import replace

import jax
import numpy as np
from conftest import DATA, read_crystals
from flax import nnx

from gromega.conditions import Box
from gromega.crystals.generate.templates import template
from gromega.networks.build import make_network
from gromega.pdf.network_grid import INPUT_R
from gromega.training.checkpoint import Checkpoints
from gromega.training.devices import join_processes
from gromega.training.history import Epoch
from gromega.training.inputs import LabelledPDFs
from gromega.training.loop import train_network
from gromega.training.recipes import get_recipe
from gromega.training.variant_inputs import VariantInputs

RECIPE = replace(
    get_recipe("robust"),
    network={
        "name": "resnet", "widths": (8,), "blocks": (1,), "dense": 16,
        "dropout": 0.1, "embedding": 8, "n_types": 8,
    },
    batch=16,
)  # fmt: skip


def tiny_inputs():
    crystals = read_crystals(DATA / "classics.json")[:8] * 8
    ids = np.array([f"{crystal.id} {k}" for k, crystal in enumerate(crystals)])
    made = [template(crystal) for crystal in crystals[:8]] * 8
    types = np.tile(np.arange(8), 8)
    y = types // 2
    box = Box(rmax=(10.0, 30.0))
    return VariantInputs(
        ids,
        made,
        y,
        box,
        RECIPE.variants,
        0,
        buffer_size=8,
        n_conditions=8,
        types=types,
        n_augmentation=32,
    )


def validation():
    inputs = tiny_inputs()
    g = np.random.default_rng(0).normal(size=(32, INPUT_R.size)).astype(np.float32)
    return LabelledPDFs(np.array([f"v{k}" for k in range(32)]), g, inputs.y[:32])


def train(folder=None, scan=None, report=None, epochs=3):
    """Return the losses and a hash of the weights."""
    network = make_network(RECIPE.network, 4, 0)
    network.group_of_type[...] = np.arange(8, dtype=np.int32) // 2
    network, history = train_network(
        RECIPE, network, tiny_inputs(), validation(), [], epochs, 0, box=validation(),
        report=report, folder=folder, scan=scan,
    )  # fmt: skip
    digest = hashlib.sha256()
    for leaf in jax.tree.leaves(nnx.state(network)):
        digest.update(np.asarray(leaf).tobytes())
    return [epoch.loss for epoch in history], digest.hexdigest()


def send_training(results, folder, environment, pause=None, **options):
    """Train, and send the losses and a hash of the weights through a connection.

    With a pause, in seconds, "step" is sent and the state is written after every step,
    so that the training can be killed at any.
    """
    os.environ.update(environment)
    join_processes()
    steps = []

    def report(progress):
        if isinstance(progress, Epoch):
            return
        steps.append((progress.epoch, progress.step))
        if pause is not None:
            results.send("step")
            time.sleep(pause)

    if pause is not None:
        Checkpoints.due = lambda self: True
    losses, digest = train(folder, report=report, **options)
    results.send(
        {
            "losses": losses,
            "weights": digest,
            "devices": jax.device_count(),
            "first": steps[:1],
        }
    )
