"""Stage: G(r) of the test part along every sweep."""

import math
import shutil

from gromega._util.progress import progress_bar
from gromega.lake.pdfs import write_pdfs
from gromega.lake.splits import read_part
from gromega.params import Params
from gromega.pipeline.paths import CRYSTALS, SPECTRA, SPLIT, SWEEP_PDFS


def simulate_sweep(params: Params) -> None:
    """Make data/sweeps/<sweep>.zarr, one for each axis or map."""
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
