import json
import os
import shutil
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
from libraries import library_of
from releasable import write_pipeline
from scipy.spatial.distance import cdist
from xdist.scheduler import LoadFileScheduling

from gromega import simulate
from gromega.conditions import REFERENCE, Box, Conditions
from gromega.crystals.crystal import Crystal
from gromega.crystals.symmetry import space_group
from gromega.crystals.table import to_table
from gromega.model.build_neighbours import build_neighbours
from gromega.model.calibration import Calibration
from gromega.model.model import Model
from gromega.model.other_groups import OtherGroupFit
from gromega.model.reliability import pack_test_crystals
from gromega.networks.build import make_network
from gromega.networks.inference import Compiled
from gromega.networks.weights import to_arrays
from gromega.pdf.bins import DMAX
from gromega.pdf.network_grid import input_operator
from gromega.pdf.operator import apply_operator
from gromega.pdf.scattering import site_weights
from gromega.pdf.spectrum import make_spectra
from gromega.registry.release import ReleaseInfo, release

# Most of the time of a test with a network is its compilation: all processes share it.
CACHE = Path(__file__).parents[1] / ".pytest_cache" / "jax"
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(CACHE))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")
jax.config.update("jax_compilation_cache_dir", os.environ["JAX_COMPILATION_CACHE_DIR"])
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)

DATA = Path(__file__).parent / "data"
SHARED = Path(__file__).parents[2] / "shared"
GROUPS = np.array([136, 154, 166, 186, 194, 221, 225])
NETWORK = {
    "name": "resnet", "widths": (8, 16), "blocks": (1, 1), "dense": 16,
    "dropout": 0.1, "embedding": 8,
}  # fmt: skip
SETS = Calibration(1.0, {"0.90": 0.8, "0.95": 0.9}, "validation part", 9)
SURER = Calibration(0.5, {"0.90": 0.5, "0.95": 0.6}, "validation part", 9)


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


@pytest.fixture(scope="session")
def spectra(classics):
    return {name: make_spectra(classics, name) for name in ("xray", "neutron")}


@pytest.fixture(scope="session")
def model(classics, spectra):
    """An untrained model with all of its parts."""
    ids = np.array([crystal.id for crystal in classics])
    density = np.array([crystal.density for crystal in classics])
    formulas = [crystal.formula for crystal in classics]
    y = np.arange(ids.size) % GROUPS.size
    test_crystals = pack_test_crystals(ids, y, density, spectra, formulas)
    network = make_network(NETWORK, GROUPS.size, 0)
    g = apply_operator(input_operator(REFERENCE, DMAX), spectra["xray"], density)
    names = [f"{name} {formula}" for name, formula in zip(ids, formulas, strict=True)]
    neighbours = build_neighbours([[Compiled(network).embed(g)]], y, names, GROUPS.size)
    calibration = replace(SETS, other_groups=OtherGroupFit(0.18, -2.0, 0.9, 30))
    return Model(
        to_arrays(network),
        GROUPS,
        NETWORK,
        REFERENCE,
        {},
        Box(),
        calibration,
        neighbours=replace(neighbours, with_composition=(0.1, 0.9)),
        test_crystals=test_crystals,
        calibration_with_composition=calibration,
    )


@pytest.fixture(scope="session")
def files(tmp_path_factory, classics):
    """Return a folder with two PDFs as a program writes them."""
    folder = tmp_path_factory.mktemp("measured")
    for crystal, qmax in zip(classics[:2], (25, 40.5), strict=True):
        omega = Conditions(qmax=min(qmax, 30), rmax=20)
        r, g = simulate([crystal], omega)
        lines = [f"{x:.5f} {y:.6f}" for x, y in zip(r, g[0], strict=True)]
        head = ["[DEFAULT]", f"qmax = {omega.qmax}", "mode = xray", "#### start data"]
        name = f"{qmax}.gr"
        (folder / name).write_text("\n".join([*head, *lines]) + "\n")
    return folder


@pytest.fixture(scope="session")
def small_model():
    """An untrained model of four groups with neighbours, without test crystals."""
    network = make_network(NETWORK, 4, 0)
    rows = np.random.default_rng(0).normal(size=(4, 209)).astype(np.float32)
    names = ["mp-1 NaCl", "mp-2 Fe", "mp-3 Si", "my best crystal C"]
    embeddings = Compiled(network).embed(rows)
    neighbours = build_neighbours([[embeddings]], np.arange(4), names, 4)
    groups = np.array([166, 194, 225, 14])
    return Model(
        to_arrays(network), groups, NETWORK, REFERENCE, {}, Box(), SETS,
        neighbours=replace(neighbours, with_composition=(0.1, 0.9)),
        calibration_with_composition=SURER,
    )  # fmt: skip


@pytest.fixture(scope="session")
def library(classics, spectra):
    return library_of(classics, spectra)


# Not for the session: its threads and warnings would reach the tests that follow.
@pytest.fixture(scope="module")
def cluster():
    """A Dask cluster of two processes."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as made:
        yield made


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium, which asks nobody but the pages that tests open."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed; on Debian: apt install chromium")
    sync_api = pytest.importorskip("playwright.sync_api")
    quiet = (
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update",
        "--disable-sync",
    )  # fmt: skip
    with sync_api.sync_playwright() as started:
        running = started.chromium.launch(executable_path=path, args=list(quiet))
        yield running
        running.close()


class Watched:
    """A page, what it complained of, and what it asked for."""

    def __init__(self, browser, width, scheme="light"):
        size = {"width": width, "height": 850}
        self.context = browser.new_context(viewport=size, color_scheme=scheme)
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.complaints, self.asked = [], []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))


@pytest.fixture
def open_page(browser):
    """Return what opens pages of a width, in a session of their own."""
    opened = []

    def open_one(width, scheme="light"):
        opened.append(Watched(browser, width, scheme))
        return opened[-1]

    yield open_one
    for one in opened:
        one.context.close()


@pytest.fixture(scope="session")
def released(tmp_path_factory):
    """The folder of a small pipeline, with its model released as spacegroup v1.0.0."""
    folder = tmp_path_factory.mktemp("released")
    write_pipeline(folder)
    with chdir(folder):
        release(ReleaseInfo("spacegroup", "v1.0.0"))
    return folder


@pytest.fixture
def models(released, tmp_path, monkeypatch):
    """Models in the current folder: one released, one not yet pulled."""
    shutil.copytree(released / "models", tmp_path / "models")
    (tmp_path / "models" / "other.dvc").write_text("outs:\n- path: other\n")
    monkeypatch.chdir(tmp_path)
    return Path("models")


class ByRoom(LoadFileScheduling):
    """One process runs the tests of a module, and one those of tests/pipeline.

    The projects of tests/pipeline take minutes to make, and are made once.
    """

    def _split_scope(self, nodeid):
        path = Path(nodeid.partition("::")[0])
        return str(path.parent if path.parent.name == "pipeline" else path)


def pytest_xdist_make_scheduler(config, log):
    return ByRoom(config, log)
