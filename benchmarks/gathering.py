"""Speed and memory of working with collections: part of `make bench`.

Each measurement runs in a process of its own, which gives its peak memory.
"""

import hashlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from gromega._util.parallel import open_pool, open_processes
from gromega.crystals.generate.recipe import SyntheticRecipe
from gromega.crystals.generate.synthetic import write_synthetic
from gromega.crystals.ingest.ingest import ingest_sources
from gromega.crystals.io.find import find_sources
from gromega.crystals.symmetry import space_group
from gromega.crystals.table import crystals_of, new_table, read_table, row_batches
from gromega.lake.spectra import write_spectra
from gromega.pdf.bins import DMAX

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"
TABLE = SHARED / "structures.parquet"
ARCHIVE = SHARED / "cif" / "cod-open-crystals.tar.gz"
COPIES = 10


def ingest_rate(folder: Path) -> str:
    """Ingest ten copies of the archive of real CIF files."""
    (folder / "cifs").mkdir()
    for k in range(COPIES):
        shutil.copy(ARCHIVE, folder / "cifs" / f"{k}.tar.gz")
    start = time.perf_counter()
    with open_pool() as pool:
        sources = find_sources([folder / "cifs"])
        tally = ingest_sources(sources, folder / "t", folder / "q", pool)
    took = time.perf_counter() - start
    return f"{tally.files / took:.0f} CIFs per second ({tally.files} in {took:.1f} s)"


def synthesize_rate(folder: Path) -> str:
    """Make 100 crystals of each of 45 groups, and find their space groups."""
    recipe = SyntheticRecipe.from_yaml(ROOT / "data" / "synthetic.yaml")
    start = time.perf_counter()
    with open_processes() as pool:
        write_synthetic(folder / "t", recipe, pool)
    took = time.perf_counter() - start
    table = read_table(folder / "t")
    groups = table["space_group"].to_pylist()
    found = [space_group(crystal) for crystal in crystals_of(table)]
    right = sum(a == b for a, b in zip(found, groups, strict=True))
    return f"{took:.0f} s for {len(groups)}, {right} with the right group"


def spectra_memory(folder: Path) -> str:
    """Compute the spectra of all crystals of the table of known ones."""
    start = time.perf_counter()
    with open_pool() as pool:
        write_spectra(folder / "s.zarr", TABLE, "xray", DMAX, pool)
    took = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    n = read_table(TABLE, ["id"]).num_rows
    return f"peak {peak:.2f} GiB, {took:.0f} s for {n} crystals"


def cluster_bytes(folder: Path) -> str:
    """Ingest 5,000 crystals and compute spectra on a cluster, with a worker killed."""
    from distributed import LocalCluster

    with new_table(folder / "real.parquet") as write:
        write(next(row_batches(TABLE, rows=5000)))
    (folder / "cifs").mkdir()
    for k, source in enumerate(find_sources([ARCHIVE])):
        (folder / "cifs" / f"{k}.cif").write_bytes(source.content)

    def run(name: str, scheduler: str | None, kill: Callable[[], None]) -> str:
        (folder / name).mkdir()
        reports = 0

        def report(_: object) -> None:
            nonlocal reports
            reports += 1
            if reports == 150:
                kill()

        with open_pool(scheduler) as pool:
            sources = find_sources([folder / "cifs", folder / "real.parquet"])
            out, refused = folder / name / "t.parquet", folder / name / "q.csv"
            ingest_sources(sources, out, refused, pool, report=report)
            write_spectra(
                folder / name / "s.zarr", folder / "real.parquet", "xray", DMAX, pool
            )
        digest = hashlib.sha256()
        for path in sorted((folder / name).rglob("*")):
            if path.is_file():
                digest.update(path.read_bytes())
        return digest.hexdigest()

    alone = run("alone", None, lambda: None)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as two:
        whole = run("whole", two.scheduler_address, lambda: None)

        def kill() -> None:
            os.kill(next(iter(two.workers.values())).pid, signal.SIGKILL)

        killed = run("killed", two.scheduler_address, kill)
    same = {True: "the same bytes", False: "DIFFERENT BYTES"}
    return f"{same[alone == whole]}; one of two killed: {same[alone == killed]}"


MEASURED = {
    "ingest": (ingest_rate, "150 CIFs per second"),
    "synthetic crystals": (synthesize_rate, "60 s, all"),
    "spectra": (spectra_memory, "4 GiB"),
    "5,000 crystals on a cluster": (cluster_bytes, "the same bytes"),
}


def main() -> None:
    """Run all measurements, or the one that the argument names."""
    if len(sys.argv) > 1:
        call, _ = MEASURED[sys.argv[1]]
        with tempfile.TemporaryDirectory() as folder:
            print(call(Path(folder)))
        return
    if not TABLE.is_file():
        print(f"no table of known crystals at {TABLE}: collections are not measured")
        return
    rows = Table(title=f"collections, {os.cpu_count()} cores")
    for heading in ("measurement", "result", "target"):
        rows.add_column(heading)
    for name, (_, wanted) in MEASURED.items():
        command = [sys.executable, __file__, name]
        result = subprocess.run(command, check=True, capture_output=True, text=True)
        rows.add_row(name, result.stdout.strip().splitlines()[-1], wanted)
    Console(highlight=False).print(rows)


if __name__ == "__main__":
    main()
