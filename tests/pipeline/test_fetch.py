"""A fetch from the server of optimade-python-tools, on loopback."""

import time
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from optimade_entries import entry, salts, species
from optimade_server import start

from gromega.crystals.ingest.providers.client import Client
from gromega.crystals.ingest.providers.optimade import functions
from gromega.crystals.table import read_table
from gromega.pipeline.fetch import fetch

pytest.importorskip("mongomock", reason="the server needs a database")
pytest.importorskip("optimade", reason="there is no server to fetch from")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    alloy = species("Na", "K", "vacancy", name="M", concentration=[0.5, 0.25, 0.25])
    entries = [
        *salts(23),
        entry(
            "alloy", 6.0, species=[alloy, species("Cl")], species_at_sites=["M", "Cl"],
            structure_features=["disorder"], chemical_formula_reduced=None,
        ),
        entry("molecule", dimension_types=[0, 0, 0], nperiodic_dimensions=0),
    ]  # fmt: skip
    server, address = start(folder, entries, page_limit=50)
    try:
        yield address
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def test_a_fetch_reads_all_pages_of_another_server(address, tmp_path):
    for _ in range(100):
        try:
            urlopen(f"{address}/v1/info").close()
            break
        except URLError:
            time.sleep(0.1)
    out = tmp_path / "x.parquet"
    with Client() as client:
        asked = functions(client, address, 'elements HAS "Cl" OR nsites=2')
        fetch(out, {"optimade": address}, asked)
    table = read_table(out)
    assert table["id"].to_pylist() == [*(f"salt-{k}" for k in range(23)), "alloy"]
    assert set(table["space_group"].to_pylist()) == {225}
    assert table["occupancy"][23].as_py() == [0.5, 0.25, 1.0]
    assert ",molecule,not periodic" in (tmp_path / "x-quarantine.csv").read_text()
    with Client() as client, pytest.raises(ValueError, match=r"HTTP 400.*--filter"):
        asked = functions(client, address, "nsites=")
        fetch(tmp_path / "y.parquet", {"optimade": address}, asked)
