from io import StringIO

import numpy as np
import pytest
from directions import clusters
from libraries import library_of

from gromega import read_pdf, simulate
from gromega.conditions import REFERENCE, Conditions
from gromega.model.build_neighbours import build_neighbours
from gromega.model.model import Model
from gromega.networks.build import make_network
from gromega.networks.weights import to_arrays

NETWORK = {"name": "residual", "widths": (8, 16), "dropout": 0.1}


@pytest.fixture
def neighbours(generator):
    x, y = clusters(generator, 60)
    return build_neighbours([[x]], y, [f"mp-{k} X" for k in range(60)], 3)


@pytest.fixture(scope="session")
def pdf(classics):
    """The PDF of rutile, as read from a file."""
    r, g = simulate([classics[9]], Conditions(rmax=22.0))
    rows = "\n".join(f"{x:.5f} {y:.6f}" for x, y in zip(r, g[0], strict=True))
    return read_pdf(StringIO(rows), qmax=23.0)


@pytest.fixture(scope="session")
def three_groups():
    """An untrained model of three groups, without neighbours or test crystals."""
    network = make_network(NETWORK, 3, 0)
    return Model(to_arrays(network), np.array([136, 166, 225]), NETWORK, REFERENCE, {})


@pytest.fixture(scope="session")
def library(classics, spectra):
    # a crystal that neutrons do not see
    neutrons = spectra["neutron"].copy()
    neutrons[0] = 0
    return library_of(classics, {**spectra, "neutron": neutrons})
