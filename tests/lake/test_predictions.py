import numpy as np
import pytest
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st

from gromega.lake.predictions import (
    StoredPredictions,
    read_predictions,
    write_predictions,
)
from gromega.lake.store import new_store
from gromega.sweeps import get_sweep

IDS, GROUPS = np.array(["iron", "gold", "zinc"]), np.array([194, 225])


def predictions(sweep=None, seed=0, with_composition=True, all_valid=False):
    generator = np.random.default_rng(seed)
    n = len(sweep.keys()) if sweep else 1
    log_p = generator.normal(size=(2, n, 3, 2)).astype(np.float32)
    valid = np.ones((n, 3), bool) if all_valid else generator.random((n, 3)) < 0.7
    return StoredPredictions(
        IDS, GROUPS, log_p[0], valid, sweep, log_p[1] if with_composition else None,
        {"config.json": "12ab"} if with_composition else {},
    )  # fmt: skip


@settings(max_examples=12, deadline=None)
@given(
    name=st.sampled_from([None, "uiso", "radiation", "uiso-qdamp"]),
    seed=st.integers(0, 99),
    with_composition=st.booleans(),
)
def test_predictions_come_back_as_they_were_written(
    tmp_path_factory, name, seed, with_composition
):
    path = tmp_path_factory.mktemp("predictions") / "p.zarr"
    sweep = get_sweep(name) if name else None
    made = predictions(sweep, seed, with_composition)
    write_predictions(path, made)
    found = read_predictions(path, sweep)
    assert found.ids.tolist() == IDS.tolist()
    assert found.space_groups.tolist() == GROUPS.tolist()
    np.testing.assert_array_equal(found.log_p, made.log_p)
    np.testing.assert_array_equal(found.valid, made.valid)
    assert found.sweep == sweep
    assert dict(found.model_sha256) == dict(made.model_sha256)
    if with_composition:
        both = (found.log_p_with_composition, made.log_p_with_composition)
        np.testing.assert_array_equal(*both)
    else:
        assert found.log_p_with_composition is None


def test_xarray_opens_predictions_with_names(tmp_path):
    write_predictions(tmp_path / "p.zarr", predictions(get_sweep("uiso")))
    data = xarray.open_zarr(tmp_path / "p.zarr")
    for name in ("log_p", "log_p_with_composition"):
        assert data[name].dims == ("value", "crystal", "space_group")
    assert data["valid"].dims == ("value", "crystal")
    assert data.attrs["format"] == "gromega predictions 1"
    assert data["space_group"].to_numpy().tolist() == [194, 225]


def test_points_are_named_by_the_keys_of_the_sweep():
    keys = [key for key, _, _ in predictions(get_sweep("uiso")).points()]
    assert keys == ["0.005", "0.006", "0.007", "0.008", "0.009", "0.010"]
    assert [key for key, _, _ in predictions().points()] == [""]


@pytest.mark.parametrize("wanted", [None, "rmax"])
def test_predictions_along_another_sweep_are_refused(tmp_path, wanted):
    path = tmp_path / "p.zarr"
    write_predictions(path, predictions(get_sweep("uiso")))
    with pytest.raises(ValueError, match="uiso"):
        read_predictions(path, wanted and get_sweep(wanted))


def test_a_store_of_something_else_is_refused(tmp_path):
    with new_store(tmp_path / "p.zarr", {"format": "gromega pdfs 1"}):
        pass
    with pytest.raises(ValueError, match="gromega pdfs 1"):
        read_predictions(tmp_path / "p.zarr")
