"""The batches of `throughput`, the same for JAX and PyTorch."""

import numpy as np

N_GROUPS = 45
N_TYPES = 11_616


def data(batch):
    """Return G(r), (batch, 209), classes and structure types, (batch,)."""
    rng = np.random.default_rng(0)
    g = rng.normal(size=(batch, 209)).astype(np.float32)
    types = rng.integers(0, N_TYPES, batch)
    return g, types % N_GROUPS, types
