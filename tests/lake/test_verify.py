import shutil

import numpy as np
import pytest
from damage import flip

from gromega.conditions import REFERENCE
from gromega.lake.pdfs import write_pdfs
from gromega.lake.store import new_store
from gromega.lake.verify import verify_store
from gromega.sweeps import get_sweep


@pytest.fixture(scope="module")
def whole_store(spectra_store, tmp_path_factory):
    path = tmp_path_factory.mktemp("verify") / "g.zarr"
    write_pdfs(path, spectra_store, [REFERENCE])
    return path


@pytest.fixture
def store(whole_store, tmp_path):
    return shutil.copytree(whole_store, tmp_path / "g.zarr")


def test_a_whole_store_is_counted(whole_store):
    assert verify_store(whole_store) == 24 * (209 + 2) + 209


@pytest.mark.parametrize("name", ["g/c/0/0", "density/c/0", "crystal/c/0", "r/c/0"])
def test_a_flipped_byte_is_found(store, name):
    flip(store / name, 0.4)
    with pytest.raises(ValueError, match=r"g\.zarr: .*damaged"):
        verify_store(store)


@pytest.mark.parametrize("name", ["g/c/0/0", "density/c/0", "crystal/c/0", "r/c/0"])
def test_a_missing_file_is_found(store, name):
    # Zarr would read fill values without an error
    (store / name).unlink()
    with pytest.raises(ValueError, match=f"'{name.split('/')[0]}'"):
        verify_store(store)


@pytest.mark.parametrize("content", ["{", None])
def test_damaged_or_missing_metadata_of_an_array_are_found(store, content):
    path = store / "g" / "zarr.json"
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(ValueError, match=r"g\.zarr"):
        verify_store(store)


def test_a_number_that_is_not_finite_is_found(tmp_path):
    path = tmp_path / "nan.zarr"
    with new_store(path, {}) as group:
        group.create_array("g", data=np.array([1.0, np.nan]), dimension_names=("r",))
    with pytest.raises(ValueError, match=r"g: .*not finite"):
        verify_store(path)


def test_the_infinite_diameter_of_a_bulk_crystal_is_no_damage(
    spectra_store, six_ids, tmp_path
):
    sweep, path = get_sweep("diameter"), tmp_path / "diameter.zarr"
    write_pdfs(path, spectra_store, sweep.conditions(), sweep, six_ids[:2])
    assert verify_store(path) > 9 * 2 * 209


def test_a_missing_store_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"x\.zarr"):
        verify_store(tmp_path / "x.zarr")
