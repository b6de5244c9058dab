"""A small lake: crystals, their pair spectra, G(r) at the reference and along Uiso."""

import pytest

from gromega._util.parallel import open_pool
from gromega.conditions import REFERENCE
from gromega.crystals.table import write_table
from gromega.lake.pdfs import write_pdfs
from gromega.lake.spectra import write_spectra
from gromega.pdf.bins import DMAX
from gromega.sweeps import get_sweep


@pytest.fixture(scope="module")
def lake(tmp_path_factory, small_table):
    folder = tmp_path_factory.mktemp("lake")
    write_table(small_table, folder / "crystals.parquet")
    with open_pool() as pool:
        table = folder / "crystals.parquet"
        write_spectra(folder / "spectra.zarr", table, "xray", DMAX, pool)
    write_pdfs(folder / "reference.zarr", folder / "spectra.zarr", [REFERENCE])
    sweep, ids = get_sweep("uiso"), small_table["id"].to_pylist()
    omegas = sweep.conditions()
    write_pdfs(folder / "uiso.zarr", folder / "spectra.zarr", omegas, sweep, ids)
    return folder
