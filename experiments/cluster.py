"""Real crystals through the stages on a cluster: the same bytes, and the slopes.

    python experiments/cluster.py TABLE MODEL --crystals 5000

TABLE is a table of crystals (.parquet), MODEL the folder of a model. Spectra, PDFs at
the reference and along an axis, and predictions are made on this machine, on a
LocalCluster of two workers, and again while one worker is killed; all bytes are
compared. Parts of the crystals give the slopes: processor time, memory, files, bytes;
--bytes-only leaves them out.
"""

import argparse
import hashlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import Executor
from pathlib import Path

from gromega._util.parallel import leave_cores_to_threads, open_pool

# As a stage does: the last bits of a matrix product depend on the number of threads.
leave_cores_to_threads()

import numpy as np  # noqa: E402
from distributed import LocalCluster  # noqa: E402

from gromega.conditions import REFERENCE  # noqa: E402
from gromega.crystals.table import new_table, read_formulas, read_table, row_batches  # noqa: E402
from gromega.evaluation.predictions import predict_store  # noqa: E402
from gromega.lake.pdfs import write_pdfs  # noqa: E402
from gromega.lake.spectra import write_spectra  # noqa: E402
from gromega.model.io import load_model  # noqa: E402
from gromega.pdf.bins import DMAX  # noqa: E402
from gromega.sweeps import get_sweep  # noqa: E402

SWEEP = get_sweep("uiso")


def make(folder: Path, table: Path, model: Path, pool: Executor | None) -> None:
    """Make all stores in a folder, the PDFs along the sweep for every fifth crystal."""
    loaded = load_model(model, compiled=True)
    ids = np.array(read_table(table, ["id"])["id"].to_pylist())[::5]
    formulas = read_formulas(table, ids) if loaded.uses_compositions else None
    spectra = folder / "spectra.zarr"
    with open_pool() as threads:
        write_spectra(spectra, table, "xray", DMAX, pool or threads)
    write_pdfs(folder / "reference.zarr", spectra, [REFERENCE], pool=pool)
    omegas, along = SWEEP.conditions(), folder / "uiso.zarr"
    write_pdfs(along, spectra, omegas, SWEEP, ids, pool=pool)
    for path, sweep in ((folder / "reference.zarr", None), (along, SWEEP)):
        out = folder / f"predicted-{path.name}"
        predict_store(loaded, path, ids, out, sweep, formulas, pool=pool)


def contents(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of all files by name."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def on_cluster(folder: Path, table: Path, model: Path, kill: bool) -> dict[str, str]:
    """Make all on two workers, one of which is killed once or not; return the files."""
    folder.mkdir()
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as two:

        def kill_half_way() -> None:
            while not (folder / "uiso.zarr").exists():
                time.sleep(0.1)
            os.kill(next(iter(two.workers.values())).pid, signal.SIGKILL)
            print("killed a worker during the predictions", flush=True)

        if kill:
            threading.Thread(target=kill_half_way).start()
        with open_pool(two.scheduler_address) as pool:
            make(folder, table, model, pool)
    return contents(folder)


def first(table: Path, n: int, folder: Path) -> Path:
    """Write the first n crystals to a table of their own."""
    out = folder / f"{n}.parquet"
    with new_table(out) as write:
        write(next(row_batches(table, rows=n)))
    return out


def measure(table: Path, model: Path, n: int) -> None:
    """Make all from n crystals, and print what it took."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few = first(table, n, folder)
        make(folder, few, model, None)
        few.unlink()
        files = [path for path in folder.rglob("*") if path.is_file()]
        usage = resource.getrusage(resource.RUSAGE_SELF)
        print(
            f"{n} crystals: {usage.ru_utime + usage.ru_stime:.1f} s of processor time, "
            f"{usage.ru_maxrss / 2**20:.2f} GiB, {len(files)} files, "
            f"{sum(path.stat().st_size for path in files) / 1e6:.1f} MB",
            flush=True,
        )


def main() -> None:
    """Compare the bytes, then measure parts, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--crystals", type=int, default=5000)
    parser.add_argument("--measure", type=int)
    parser.add_argument("--bytes-only", action="store_true")
    options = parser.parse_args()
    if options.measure:
        measure(options.table, options.model, options.measure)
        return
    n = options.crystals
    for part in () if options.bytes_only else (n // 4, n // 2, n):
        command = [sys.executable, __file__, str(options.table), str(options.model)]
        subprocess.run([*command, "--measure", str(part)], check=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = first(options.table, n, folder)
        (folder / "alone").mkdir()
        make(folder / "alone", table, options.model, None)
        alone = contents(folder / "alone")
        for kill in (False, True):
            made = on_cluster(folder / f"cluster-{kill}", table, options.model, kill)
            other = [k for k in alone | made if alone.get(k) != made.get(k)]
            what = "a worker killed" if kill else "two workers"
            print(f"{what}: {len(other)} of {len(alone)} files differ", flush=True)
            print(*other, sep="\n", flush=True)


if __name__ == "__main__":
    main()
