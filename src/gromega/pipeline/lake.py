"""Stages: pair spectra, the library, and G(r, Ω)."""

import math
import os
import shutil

from gromega._util.parallel import ADDRESS, open_pool
from gromega._util.progress import progress_bar
from gromega.crystals.table import crystals_of, read_table, rows_of
from gromega.lake.splits import read_part
from gromega.lake.store import (
    by_radiation,
    ids_of,
    open_store,
    write_pdfs,
    write_spectra,
)
from gromega.model.library_io import write_library
from gromega.model.matches import make_library
from gromega.params import Params
from gromega.pdf.operator import check_reach
from gromega.pipeline.paths import (
    CRYSTALS,
    LIBRARY,
    REFERENCE_PDFS,
    SPECTRA,
    SPLIT,
    SWEEP_PDFS,
)


def spectra(params: Params) -> None:
    """Make data/spectra.zarr, on a cluster if `DASK_SCHEDULER_ADDRESS` names one."""
    n = read_table(CRYSTALS, ["id"]).num_rows
    with (
        progress_bar("pair spectra", n) as advance,
        open_pool(os.environ.get(ADDRESS)) as pool,
    ):
        radiation, dmax = params.reference.radiation, params.spectra.dmax
        write_spectra(SPECTRA, CRYSTALS, radiation, dmax, pool, advance)


def library(params: Params) -> None:
    """Make data/library.parquet, of the training part."""
    ids, labels = read_part(SPLIT, "train")
    table = rows_of(read_table(CRYSTALS), ids)
    density, spectra = by_radiation(crystals_of(table))
    formulas = table["formula"].to_pylist()
    write_library(LIBRARY, make_library(ids, formulas, labels, density, spectra))


def simulate(params: Params) -> None:
    """Make data/reference.zarr."""
    for sweep in params.sweep.sweeps():
        for omega in sweep.conditions(params.reference):
            # Not after the training alone, when they are simulated.
            check_reach(omega, params.spectra.dmax)
    with progress_bar("PDFs", ids_of(open_store(SPECTRA)).size) as advance:
        write_pdfs(REFERENCE_PDFS, SPECTRA, [params.reference], progress=advance)


def simulate_sweep(params: Params) -> None:
    """Make data/sweeps/<sweep>.zarr of the test part, one per axis or map."""
    sweeps = params.sweep.sweeps()
    ids, _ = read_part(SPLIT, "test")
    shutil.rmtree(SWEEP_PDFS, ignore_errors=True)
    SWEEP_PDFS.mkdir(parents=True)
    total = ids.size * sum(math.prod(sweep.shape) for sweep in sweeps)
    with progress_bar("PDFs", total) as advance:
        for sweep in sweeps:
            omegas = sweep.conditions(params.reference)
            path = SWEEP_PDFS / f"{sweep.name}.zarr"
            write_pdfs(path, SPECTRA, omegas, sweep, ids, CRYSTALS, advance)
