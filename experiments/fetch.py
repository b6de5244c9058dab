"""Compare fetches with a failure of the server, without one, and after a kill.

    python experiments/fetch.py CRYSTALS.parquet [5000]

The server is that of optimade-python-tools on loopback, with some rows of the table,
evenly spaced. It fails once, in the middle of the first fetch. The second fetch meets
no failure. The third is killed in the middle, and repeated.
"""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

from optimade_server import start

from gromega.crystals.crystal import nuclide_symbol
from gromega.crystals.table import crystals_of, read_table

# The page of which the first request is refused with HTTP 503.
FAIL_AT = 25


def entry(crystal):
    """Return the entry of OPTIMADE of a crystal without shared sites."""
    symbols = [nuclide_symbol(int(number)) for number in crystal.numbers]
    return {
        "id": crystal.id,
        "type": "structures",
        "attributes": {
            "lattice_vectors": crystal.lattice.tolist(),
            "cartesian_site_positions": (crystal.frac @ crystal.lattice).tolist(),
            "species_at_sites": symbols,
            "species": [
                {"name": name, "chemical_symbols": [name], "concentration": [1.0]}
                for name in sorted(set(symbols))
            ],
            "nsites": len(symbols),
            "dimension_types": [1, 1, 1],
            "nperiodic_dimensions": 3,
            "structure_features": [],
            "last_modified": "2024-05-06T07:08:09Z",
        },
    }


def fetch(folder, address):
    """Start a fetch into a folder."""
    out = folder / "x.parquet"
    return subprocess.Popen(
        [sys.executable, "-c", "from gromega.cli.main import main; main()", "fetch",
         "optimade", address, "--out", str(out)], stderr=subprocess.PIPE, text=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip


def finish(folder, address):
    """Run a fetch to its end, and return its files and its messages."""
    began = time.monotonic()
    process = fetch(folder, address)
    _, said = process.communicate()
    print(
        f"{folder.name}: {time.monotonic() - began:.0f} s, status {process.returncode}"
    )
    print(said.rstrip())
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def kill(folder, address, pages):
    """Kill a fetch when it has some pages."""
    process = fetch(folder, address)
    kept = folder / "x-download.jsonl"
    while not kept.exists() or kept.read_bytes().count(b"\n") <= pages:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    had = kept.read_bytes().count(b"\n") - 1
    print(f"killed with {had} pages:", *sorted(path.name for path in folder.iterdir()))


def main():
    """Compare the three fetches."""
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    table = read_table(Path(sys.argv[1]))
    rows = np.linspace(0, table.num_rows - 1, count).astype(int)
    with TemporaryDirectory() as name:
        folder = Path(name)
        entries = [entry(crystal) for crystal in crystals_of(table.take(rows))]
        server, address = start(folder, entries, page_limit=500, fail_at=FAIL_AT)
        try:
            found = []
            for each in ("failure", "whole", "killed"):
                (folder / each).mkdir()
                if each == "killed":
                    kill(folder / each, address, count // 200)
                found.append(finish(folder / each, address))
        finally:
            server.kill()
    files = sorted(found[0])
    for other, words in ((found[1], "without a failure"), (found[2], "after a kill")):
        same = [name for name in files if other.get(name) == found[0][name]]
        print(f"{words}: {len(same)} of {len(files)} files have the same bytes")
    summary = json.loads(found[0]["x.json"])
    print(f"{summary['ingest']['files']} of {count} entries were examined")


if __name__ == "__main__":
    main()
