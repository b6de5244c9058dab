import json

import numpy as np
import pytest
import xarray
from damage import flip

from gromega.lake.store import (
    create_variable,
    new_store,
    open_store,
    read_array,
    read_ids,
    read_manifest,
    read_points,
    rows_in_store,
    sign_store,
    write_coordinate,
    write_points,
)
from gromega.sweeps import Axis, Sweep, get_sweep


def write_ids(path, *ids):
    with new_store(path, {}) as group:
        write_coordinate(group, "crystal", np.array(ids))


def test_an_interrupted_write_leaves_no_store(tmp_path):
    def write():
        with new_store(tmp_path / "x.zarr", {}) as group:
            group.create_array("g", shape=(3,), dtype="float32")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert list(tmp_path.iterdir()) == []


def test_two_writers_of_a_store_do_not_disturb_each_other(tmp_path, monkeypatch):
    path = tmp_path / "x.zarr"
    with new_store(path, {"writer": 1}) as group:
        write_coordinate(group, "crystal", np.array(["iron"]))
        # another process begins and ends meanwhile
        with monkeypatch.context() as patch:
            patch.setattr("os.getpid", lambda: 1)
            write_ids(path, "gold", "silver")
        assert read_ids(open_store(path)).tolist() == ["gold", "silver"]
    assert read_ids(open_store(path)).tolist() == ["iron"]
    assert [p.name for p in tmp_path.iterdir()] == ["x.zarr"]


def test_a_new_store_replaces_the_old_one(tmp_path):
    path = tmp_path / "x.zarr"
    write_ids(path, "iron")
    write_ids(path, "gold", "silver")
    assert read_ids(open_store(path)).tolist() == ["gold", "silver"]
    assert [p.name for p in tmp_path.iterdir()] == ["x.zarr"]


def test_a_missing_store_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"x\.zarr"):
        open_store(tmp_path / "x.zarr")


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "x.zarr"
    with new_store(
        path, {"radiation": "xray"}, {"crystals.parquet": "0" * 64}
    ) as group:
        write_coordinate(group, "crystal", np.array(["iron", "gold"]))
        array = create_variable(group, "g", ("crystal", "r"), (2, 3), {"units": "Å⁻²"})
        array[...] = np.ones((2, 3), np.float32)
    return path


def test_a_store_states_its_files_and_inputs(store):
    manifest = read_manifest(store)
    assert manifest["files"] == {".": 0, "crystal": 1, "g": 1}
    assert manifest["inputs"] == {"crystals.parquet": "0" * 64}
    assert set(manifest["metadata"]) == {
        "zarr.json", "crystal/zarr.json", "g/zarr.json",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "named"),
    [
        # Zarr would read zeros
        ("g/c/0/0", "'g'"),
        ("crystal/c/0", "'crystal'"),
        ("g/zarr.json", "'g/zarr.json'|'g'"),
        ("manifest.json", "manifest"),
    ],
)
def test_a_store_that_lost_a_file_is_not_opened(store, name, named):
    (store / name).unlink()
    with pytest.raises(ValueError, match=named):
        open_store(store)


def test_a_store_with_a_file_too_many_is_not_opened(store):
    (store / "g" / "c" / "1").mkdir()
    (store / "g" / "c" / "1" / "0").write_bytes(b"")
    with pytest.raises(ValueError, match="'g'"):
        open_store(store)


@pytest.mark.parametrize(
    "name", ["zarr.json", "g/zarr.json", "crystal/zarr.json", "manifest.json"]
)
@pytest.mark.parametrize("share", np.linspace(0, 0.99, 12))
def test_a_flipped_byte_of_metadata_is_found(store, name, share):
    flip(store / name, share)
    with pytest.raises(ValueError, match=r"x\.zarr"):
        open_store(store)


@pytest.mark.parametrize(
    "change",
    [
        # terabytes that no file explains: as a whole, or in one chunk
        lambda meta: meta.update(shape=[10**6, 10**6]),
        lambda meta: meta["chunk_grid"]["configuration"].update(
            chunk_shape=[10**6, 10**6]
        ),
        # what zarr does not expect
        lambda meta: meta.update(shape=None),
        lambda meta: meta.update(codecs=[{"name": "none"}]),
        lambda meta: meta.pop("data_type"),
    ],
)
def test_a_hostile_array_is_refused_before_memory_is_taken(store, change):
    meta = json.loads((store / "g" / "zarr.json").read_text())
    change(meta)
    (store / "g" / "zarr.json").write_text(json.dumps(meta))
    whole = json.loads((store / "zarr.json").read_text())
    whole["consolidated_metadata"]["metadata"]["g"] = meta
    (store / "zarr.json").write_text(json.dumps(whole))
    sign_store(store)
    with pytest.raises(ValueError, match=r"x\.zarr"):
        read_array(open_store(store), "g")


def test_a_missing_id_is_named_with_the_store(tmp_path):
    path = tmp_path / "x.zarr"
    write_ids(path, "iron")
    with pytest.raises(ValueError, match=r"x\.zarr: .*'gold'"):
        rows_in_store(path, open_store(path), ["iron", "gold"])


def test_a_large_array_is_sharded_into_few_files(tmp_path):
    with new_store(tmp_path / "x.zarr", {}) as group:
        array = create_variable(group, "g", ("crystal", "r"), (20_000, 3), {})
        array[:] = np.ones((20_000, 3), np.float32)
    files = [p for p in (tmp_path / "x.zarr" / "g" / "c").rglob("*") if p.is_file()]
    assert len(files) == 3
    assert xarray.open_zarr(tmp_path / "x.zarr")["g"].sum() == 60_000


def write_sweep(path, sweep, valid):
    with new_store(path, {}) as group:
        write_points(group, sweep, valid)
    return open_store(path)


def test_valid_comes_back_as_it_was_written(tmp_path):
    sweep = get_sweep("radiation")
    valid = np.array([[True, True, True], [True, False, True]])
    store = write_sweep(tmp_path / "x.zarr", sweep, valid)
    np.testing.assert_array_equal(
        read_points(tmp_path / "x.zarr", store, sweep, 3), valid
    )


def test_valid_is_not_stored_if_all_are(tmp_path):
    sweep = get_sweep("uiso-qdamp")
    store = write_sweep(tmp_path / "x.zarr", sweep, np.ones((6, 7, 3), bool))
    assert "valid" not in store
    assert read_points(tmp_path / "x.zarr", store, sweep, 3).shape == (6, 7, 3)


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        # the reference, another axis, the same axis with other values
        (None, "uiso, not of the reference"),
        (get_sweep("rmax"), "uiso, not of rmax"),
        (Sweep((Axis("uiso", (0.1, 0.2), 1),)), r"0\.005.*0\.1, 0\.2"),
    ],
)
def test_a_store_of_another_sweep_is_refused(tmp_path, sweep, message):
    path = tmp_path / "x.zarr"
    store = write_sweep(path, get_sweep("uiso"), np.ones((6, 3), bool))
    with pytest.raises(ValueError, match=message):
        read_points(path, store, sweep, 3)
