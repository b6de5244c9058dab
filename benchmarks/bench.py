"""Measure the timings that the README states: `make bench`.

The crystals are the real ones in ../shared if that folder is beside the project, else
those of the last `dvc repro`.
"""

import os
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from gromega._util.parallel import open_pool
from gromega.conditions import REFERENCE
from gromega.crystals.dataset import choose_dataset
from gromega.crystals.table import crystals_of, read_table, write_table
from gromega.lake.pdfs import write_pdfs
from gromega.lake.spectra import write_spectra
from gromega.lake.splits import draw_split
from gromega.pdf import srreal
from gromega.pdf.bins import DMAX
from gromega.pdf.network_grid import input_operator
from gromega.pdf.operator import apply_operator, reach
from gromega.pdf.spectrum import make_spectra
from gromega.sweeps import AXES, get_sweep

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data" / "structures.parquet"
MADE = ROOT / "data" / "crystals.parquet"


def seconds(call):
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def seconds_of_one_more(spectra, density):
    def simulate():
        op = input_operator(REFERENCE.at(qmax=17.0), DMAX)
        return apply_operator(op, spectra, density)

    return seconds(simulate)[0]


def main() -> None:
    path = SHARED if SHARED.is_file() else MADE
    table = read_table(path)
    table = table.filter(pa.array(choose_dataset(table)))
    crystals = crystals_of(table)
    n, cores = len(crystals), os.cpu_count() or 1
    rows = Table(title=f"{n} crystals of {path.name}, {cores} cores")
    for heading in ("step", "measured", "target"):
        rows.add_column(heading)

    make_spectra(crystals[:4])  # compiles
    dmax = reach(REFERENCE.at(qmax=12.0))
    took, _ = seconds(lambda: make_spectra(crystals, dmax=dmax))
    rows.add_row(
        f"pair spectra to {dmax:.1f} Å",
        f"{took * cores / n * 1e3:.2f} ms per crystal and core",
        "0.8 ms",
    )
    spectra = make_spectra(crystals)
    density = np.array([crystal.density for crystal in crystals])
    seconds_of_one_more(spectra, density)  # compiles
    took = seconds_of_one_more(spectra, density)
    rows.add_row(
        "one more Ω, with its operator", f"{took / n * 1e6:.1f} µs per PDF", "25 µs"
    )
    groups = np.asarray(table["space_group"])
    parts = draw_split(table["id"].to_pylist(), groups)
    test = np.array(table["id"].to_pylist())[parts == "test"]
    with tempfile.TemporaryDirectory() as folder:
        lake = Path(folder)
        store = lake / "spectra.zarr"
        chosen = lake / "crystals.parquet"
        write_table(table, chosen)
        with open_pool() as pool:
            took, _ = seconds(lambda: write_spectra(store, chosen, "xray", DMAX, pool))
        rows.add_row(f"all spectra to {DMAX:g} Å, to Zarr", f"{took:.1f} s", "")

        def sweeps():
            for sweep in map(get_sweep, AXES):
                out = lake / f"{sweep.name}.zarr"
                write_pdfs(out, store, sweep.conditions(), sweep, test)

        took, _ = seconds(sweeps)
    rows.add_row(
        f"four sweeps, 32 Ω × {test.size} test crystals, to Zarr",
        f"{took:.1f} s",
        "60 s",
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    rows.add_row("peak memory", f"{peak:.2f} GiB", "4 GiB")
    if srreal.available():
        # Of all sizes: the first crystals of the table are small.
        drawn = np.random.default_rng(0).choice(n, min(n, 60), replace=False)
        some = [crystals[i] for i in drawn]
        took, _ = seconds(lambda: srreal.pdf(some, REFERENCE))
        per_pdf = f"{took / len(some) * 1e3:.0f} ms per PDF and core"
        rows.add_row(f"diffpy.srreal, {len(some)} random crystals", per_pdf, "")
    else:
        rows.add_row("diffpy.srreal", "not installed here", "35 ms per PDF and core")
    Console(highlight=False).print(rows)


if __name__ == "__main__":
    main()
