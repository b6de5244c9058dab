from pathlib import Path

from gromega.crystals.table import read_table
from gromega.lake.store import open_store, read_ids


def test_every_crystal_has_a_pair_spectrum(inside):
    store = open_store(Path("data/spectra.zarr"))
    ids = read_table(Path("data/crystals.parquet"), ["id"])["id"].to_pylist()
    assert read_ids(store).tolist() == ids
    assert store.attrs["dmax"] == 36.0
    assert store.attrs["radiation"] == "xray"
