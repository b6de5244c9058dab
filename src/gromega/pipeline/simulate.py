"""Stage: G(r) of all crystals at the reference conditions."""

from gromega._util.parallel import open_cluster
from gromega._util.progress import progress_bar
from gromega.lake.pdfs import write_pdfs
from gromega.lake.store import open_store, read_ids
from gromega.params import Params
from gromega.pipeline.paths import REFERENCE_PDFS, SPECTRA


def simulate(params: Params) -> None:
    """Make data/reference.zarr, on a cluster if `DASK_SCHEDULER_ADDRESS` names one."""
    n = read_ids(open_store(SPECTRA)).size
    with progress_bar("PDFs", n) as advance, open_cluster() as pool:
        write_pdfs(
            REFERENCE_PDFS, SPECTRA, [params.reference], progress=advance, pool=pool
        )
