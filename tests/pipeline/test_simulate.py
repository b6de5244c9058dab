import json
from pathlib import Path

from gromega.conditions import REFERENCE, Conditions
from gromega.crystals.table import read_table
from gromega.lake.store import open_store, read_ids


def test_every_crystal_is_simulated_at_the_reference(inside):
    store = open_store(Path("data/reference.zarr"))
    ids = read_table(Path("data/crystals.parquet"), ["id"])["id"].to_pylist()
    assert read_ids(store).tolist() == ids
    stated = json.loads(str(store.attrs["conditions"]))
    assert Conditions.from_mapping(stated) == REFERENCE
