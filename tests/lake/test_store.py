import numpy as np
import pytest
import xarray

from gromega.lake.store import (
    create_variable,
    new_store,
    open_store,
    read_ids,
    read_points,
    rows_by_id,
    rows_in_store,
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


def test_what_a_killed_process_left_behind_is_removed(tmp_path):
    (tmp_path / "x.zarr.partial").mkdir()
    (tmp_path / "x.zarr.partial" / "half").write_text("half")
    write_ids(tmp_path / "x.zarr", "iron")
    assert [path.name for path in tmp_path.iterdir()] == ["x.zarr"]
    assert not (tmp_path / "x.zarr" / "half").exists()


def test_a_new_store_replaces_the_old_one(tmp_path):
    path = tmp_path / "x.zarr"
    write_ids(path, "iron")
    write_ids(path, "gold", "silver")
    assert read_ids(open_store(path)).tolist() == ["gold", "silver"]
    assert [p.name for p in tmp_path.iterdir()] == ["x.zarr"]


def test_a_missing_store_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"x\.zarr"):
        open_store(tmp_path / "x.zarr")


def test_rows_follow_the_order_of_the_wanted_ids():
    assert rows_by_id(["a", "b", "c"], ["c", "a", "c"]).tolist() == [2, 0, 2]
    assert rows_by_id(["a"], []).dtype == np.int64


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
