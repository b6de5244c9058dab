"""Stage: the pair spectra of all crystals."""

import os

from gromega._util.parallel import ADDRESS, open_pool
from gromega._util.progress import progress_bar
from gromega.crystals.table import read_table
from gromega.lake.spectra import write_spectra
from gromega.params import Params
from gromega.pipeline.paths import CRYSTALS, SPECTRA


def spectra(params: Params) -> None:
    """Make data/spectra.zarr, on a cluster if `DASK_SCHEDULER_ADDRESS` names one."""
    n = read_table(CRYSTALS, ["id"]).num_rows
    radiation, dmax = params.reference.radiation, params.spectra.dmax
    with (
        progress_bar("pair spectra", n) as advance,
        open_pool(os.environ.get(ADDRESS)) as pool,
    ):
        write_spectra(SPECTRA, CRYSTALS, radiation, dmax, pool, advance)
