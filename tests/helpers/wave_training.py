"""Waves of three frequencies, on which a small network trains in seconds."""

from dataclasses import replace

import numpy as np

from gromega.networks.build import make_network
from gromega.training.inputs import LabelledPDFs
from gromega.training.recipes import get_recipe

TINY = replace(
    get_recipe("small"),
    network={"name": "residual", "widths": (8, 16), "dropout": 0.1},
    batch=32,
    learning_rate=5e-3,
)
# Trained with this, a network keeps its weights.
STILL = replace(TINY, learning_rate=0.0, weight_decay=0.0)


def waves(n, seed):
    """Return n waves at random phases; the frequency is the class."""
    generator = np.random.default_rng(seed)
    y = generator.integers(0, 3, n)
    phase = generator.uniform(0, 2 * np.pi, (n, 1))
    x = np.sin((1 + y[:, None]) * np.linspace(0, 12, 209) + phase)
    ids = np.array([f"wave-{seed}-{k}" for k in range(n)])
    return LabelledPDFs(ids, x.astype(np.float32), y)


def network(seed=0):
    return make_network(TINY.network, 3, seed)
