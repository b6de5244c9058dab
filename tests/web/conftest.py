import numpy as np
import pytest

from gromega.conditions import REFERENCE, Box
from gromega.models.calibration import Calibration
from gromega.models.held_out import hold_out
from gromega.models.model import Model
from gromega.models.recipes import make_network
from gromega.pdf.library import make_library
from gromega.pdf.spectrum import pair_spectra

GROUPS = np.array([136, 154, 166, 186, 194, 221, 225])
NETWORK = {"name": "residual", "widths": (8, 16), "dropout": 0.1}
SETS = Calibration(1.0, {"0.90": 0.8, "0.95": 0.9}, "validation part", 9)


@pytest.fixture(scope="session")
def spectra(classics):
    return {name: pair_spectra(classics, name) for name in ("xray", "neutron")}


@pytest.fixture(scope="session")
def model(classics, spectra):
    """A model that has learned nothing, but answers with all its parts."""
    ids = np.array([crystal.id for crystal in classics])
    density = np.array([crystal.density for crystal in classics])
    held_out = hold_out(ids, np.arange(ids.size) % GROUPS.size, density, spectra)
    network = make_network(NETWORK, GROUPS.size, 0)
    return Model(
        network, GROUPS, NETWORK, REFERENCE, {}, Box(), SETS, held_out=held_out
    )


@pytest.fixture(scope="session")
def library(classics, spectra):
    return make_library(
        np.array([crystal.id for crystal in classics]),
        [crystal.formula for crystal in classics],
        np.full(len(classics), 225),
        np.array([crystal.density for crystal in classics]),
        spectra,
    )
