"""Stage: G(r) of the test crystals of the benchmark along every sweep."""

import math
import shutil
from dataclasses import asdict
from functools import partial

from gromega._util.parallel import open_cluster
from gromega._util.progress import progress_bar
from gromega.lake.pdfs import write_pdfs
from gromega.lake.reuse import make_or_reuse
from gromega.lake.splits import read_benchmark
from gromega.lake.store import manifest_hash
from gromega.params import Params
from gromega.pipeline.paths import CRYSTALS, SPECTRA, SPLIT, SWEEP_PDFS


def simulate_sweep(params: Params) -> None:
    """Make data/sweeps/<sweep>.zarr, one for each axis or map.

    PDFs of the same crystals at the same conditions are not simulated again.
    """
    sweeps = params.sweep.sweeps()
    ids, _ = read_benchmark(SPLIT, "test")
    shutil.rmtree(SWEEP_PDFS, ignore_errors=True)
    SWEEP_PDFS.mkdir(parents=True)
    total = ids.size * sum(math.prod(sweep.shape) for sweep in sweeps)
    made_from = {"spectra": manifest_hash(SPECTRA), "ids": ids.tolist()}
    with progress_bar("PDFs", total) as advance, open_cluster() as pool:
        for sweep in sweeps:
            omegas = sweep.conditions(params.reference)
            path = SWEEP_PDFS / f"{sweep.name}.zarr"
            points = {
                "points": [omega.to_mapping() for omega in omegas],
                "defects": [asdict(defects) for defects in sweep.defects()],
            }
            make_or_reuse(
                path, made_from | points,
                partial(
                    write_pdfs, path, SPECTRA, omegas, sweep, ids, CRYSTALS, advance,
                    pool,
                ),
            )  # fmt: skip
