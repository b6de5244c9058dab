"""A small lake: crystals, their pair spectra, and G(r) along rmax."""

import pytest

from gromega._util.parallel import open_pool
from gromega.crystals.table import write_table
from gromega.lake.pdfs import write_pdfs
from gromega.lake.spectra import write_spectra
from gromega.pdf.bins import DMAX
from gromega.sweeps import get_sweep


@pytest.fixture(scope="package")
def spectra_store(tmp_path_factory, small_table):
    path = tmp_path_factory.mktemp("lake") / "spectra.zarr"
    table = path.with_name("crystals.parquet")
    write_table(small_table, table)
    with open_pool() as pool:
        write_spectra(path, table, "xray", DMAX, pool)
    return path


@pytest.fixture(scope="package")
def six_ids(small_table):
    return small_table["id"].to_pylist()[3:9]


@pytest.fixture(scope="package")
def rmax_store(spectra_store, six_ids):
    path = spectra_store.with_name("rmax.zarr")
    sweep = get_sweep("rmax")
    write_pdfs(path, spectra_store, sweep.conditions(), sweep, six_ids)
    return path
