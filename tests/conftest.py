import json
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from gromega.crystals.crystal import Crystal
from gromega.crystals.symmetry import space_group
from gromega.crystals.table import to_table
from gromega.pdf.scattering import site_weights

DATA = Path(__file__).parent / "data"
SHARED = Path(__file__).parents[2] / "shared"


def read_crystals(path):
    """Return the crystals of a JSON file beside golden curves."""
    return [
        Crystal(c["id"], c["lattice"], c["numbers"], c["frac"], c["occupancy"])
        for c in json.loads(path.read_text())
    ]


@pytest.fixture(scope="session")
def classics():
    """Sixteen textbook crystals, from nickel to disordered Cu-Au."""
    return read_crystals(DATA / "classics.json")


@pytest.fixture(scope="session")
def nickel(classics):
    return next(crystal for crystal in classics if crystal.id == "nickel")


@pytest.fixture(scope="session")
def shared():
    """The folder of real data beside the project."""
    if not SHARED.is_dir():
        pytest.skip("there is no folder of real data at ../shared")
    return SHARED


def scaled(crystal, name, factor):
    """Return a crystal under another name, stretched alike in all directions."""
    return Crystal(
        name,
        crystal.lattice * factor,
        crystal.numbers,
        crystal.frac,
        crystal.occupancy,
    )


def brute_force(crystal, dmax, radiation="xray"):
    """Return all distances of one cell's atoms up to dmax, and w_i w_j."""
    n = 1 + int(dmax * np.abs(np.linalg.inv(crystal.lattice)).sum(axis=0).max())
    shifts = np.stack(np.meshgrid(*[np.arange(-n, n + 1)] * 3), axis=-1).reshape(-1, 3)
    home = crystal.frac @ crystal.lattice
    weights = site_weights(crystal, radiation)
    images = (home[None] + (shifts @ crystal.lattice)[:, None]).reshape(-1, 3)
    d = cdist(home, images)
    products = np.outer(weights, np.tile(weights, len(shifts)))
    keep = (d > 1e-3) & (d <= dmax)
    return d[keep], products[keep]


@pytest.fixture(scope="session")
def small_table(classics):
    """Eight stretched copies each of three crystals of three space groups."""
    chosen = [c for c in classics if c.id in ("nickel", "iron", "magnesium")]
    crystals = [
        scaled(crystal, f"{crystal.id}-{i}", 0.95 + 0.02 * i)
        for crystal in chosen
        for i in range(8)
    ]
    return to_table(crystals, [space_group(crystal) for crystal in crystals])


@pytest.fixture
def generator():
    return np.random.default_rng(0)
