from pathlib import Path

import pytest

from gromega.lake.pdfs import StoredPDFs
from gromega.lake.splits import read_part
from gromega.sweeps import get_sweep


@pytest.mark.parametrize(("name", "count"), [("uiso", 6), ("rmax", 11)])
def test_the_test_part_is_simulated_at_every_value(inside, name, count):
    ids, _ = read_part(Path("data/split.parquet"), "test")
    path = Path(f"data/sweeps/{name}.zarr")
    stored = StoredPDFs(path, ids, get_sweep(name))
    g, valid = stored.read(), stored.valid
    assert g.shape == (count, 6, 209)
    assert valid.all()


def test_there_is_a_store_for_each_axis_of_the_parameters(inside):
    found = sorted(path.name for path in Path("data/sweeps").iterdir())
    assert found == ["rmax.zarr", "uiso.zarr"]
