import json

import numpy as np
import pytest
import xarray

from gromega._util.parallel import open_pool
from gromega.conditions import REFERENCE, Conditions
from gromega.crystals.crystal import Crystal
from gromega.crystals.table import crystals_of, to_table, write_table
from gromega.lake.store import (
    new_store,
    open_store,
    verify_store,
    write_pdfs,
    write_spectra,
)
from gromega.pdf.bins import DMAX, bin_centres, n_bins
from gromega.pdf.network_grid import INPUT_R, input_operator
from gromega.pdf.operator import apply_operator
from gromega.pdf.spectrum import pair_spectra
from gromega.sweeps import AXES, get_sweep


@pytest.fixture(scope="module")
def spectra(tmp_path_factory, small_table):
    path = tmp_path_factory.mktemp("lake") / "spectra.zarr"
    table = path.with_name("crystals.parquet")
    write_table(small_table, table)
    with open_pool() as pool:
        write_spectra(path, table, "xray", DMAX, pool)
    return path


@pytest.fixture(scope="module")
def rmax(spectra, small_table):
    path = spectra.parent / "rmax.zarr"
    sweep = get_sweep("rmax")
    ids = small_table["id"].to_pylist()[3:9]
    write_pdfs(path, spectra, sweep.conditions(), sweep, ids)
    return path


def test_spectra_are_those_of_the_crystals(spectra, small_table):
    data = xarray.open_zarr(spectra)
    crystals = crystals_of(small_table)
    assert data["crystal"].to_numpy().tolist() == [c.id for c in crystals]
    expected = pair_spectra(crystals, "xray", DMAX)
    np.testing.assert_array_equal(data["spectrum"].to_numpy(), expected)
    np.testing.assert_allclose(data["density"], [c.density for c in crystals])
    np.testing.assert_allclose(data["d"], bin_centres(n_bins(DMAX)))


def test_xarray_opens_a_sweep_with_names_and_units(rmax):
    data = xarray.open_zarr(rmax)
    assert data["g"].dims == ("value", "crystal", "r")
    assert data["g"].attrs["units"] == "Å⁻²"
    assert data["r"].attrs["units"] == data["value"].attrs["units"] == "Å"
    assert data["value"].to_numpy().tolist() == list(AXES["rmax"].values)
    np.testing.assert_allclose(data["r"], INPUT_R)
    stated = [Conditions.from_mapping(c) for c in json.loads(data.attrs["conditions"])]
    assert stated == get_sweep("rmax").conditions()


def test_sweep_at_the_reference_equals_the_reference(rmax, spectra, small_table):
    path = rmax.parent / "reference.zarr"
    write_pdfs(path, spectra, [REFERENCE])
    reference = xarray.open_zarr(path)["g"].to_numpy()
    assert reference.shape == (small_table.num_rows, 209)
    last = xarray.open_zarr(rmax)["g"].to_numpy()[-1]
    np.testing.assert_array_equal(last, reference[3:9])
    crystals = crystals_of(small_table.slice(3, 1))
    op = input_operator(REFERENCE, DMAX)
    g = apply_operator(op, pair_spectra(crystals, "xray", DMAX), [crystals[0].density])
    np.testing.assert_allclose(last[0], g[0], atol=1e-4)


def test_same_inputs_give_the_same_bytes(rmax, spectra, small_table, tmp_path):
    sweep = get_sweep("rmax")
    ids = small_table["id"].to_pylist()[3:9]
    again = tmp_path / "again.zarr"
    write_pdfs(again, spectra, sweep.conditions(), sweep, ids)
    files = sorted(p.relative_to(rmax) for p in rmax.rglob("*") if p.is_file())
    for name in files:
        assert (rmax / name).read_bytes() == (
            tmp_path / "again.zarr" / name
        ).read_bytes()
    assert len(files) > 10


def test_an_interrupted_store_is_not_there(tmp_path):
    def write():
        with new_store(tmp_path / "x.zarr", {}) as group:
            group.create_array("g", shape=(3,), dtype="float32")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert list(tmp_path.iterdir()) == []


def test_what_a_kill_left_behind_does_not_stay(tmp_path):
    (tmp_path / "x.zarr.partial").mkdir()
    (tmp_path / "x.zarr.partial" / "half").write_text("half")
    with new_store(tmp_path / "x.zarr", {}) as group:
        group.create_array("g", shape=(3,), dtype="float32")
    assert [path.name for path in tmp_path.iterdir()] == ["x.zarr"]
    assert not (tmp_path / "x.zarr" / "half").exists()


def test_a_flipped_byte_is_found(spectra, small_table, tmp_path):
    path = tmp_path / "g.zarr"
    write_pdfs(path, spectra, [REFERENCE])
    assert verify_store(path) == small_table.num_rows * (209 + 2) + 209
    shard = next(p for p in (path / "g" / "c").rglob("*") if p.is_file())
    content = bytearray(shard.read_bytes())
    content[len(content) // 3] ^= 1
    shard.write_bytes(content)
    with pytest.raises(ValueError, match="the store is damaged"):
        verify_store(path)


@pytest.mark.parametrize("name", ["g/c/0/0", "density/c/0", "crystal/c/0", "r/c/0"])
def test_a_missing_or_damaged_file_is_found(spectra, tmp_path, name):
    path = tmp_path / "g.zarr"
    write_pdfs(path, spectra, [REFERENCE])
    content = bytearray((path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (path / name).write_bytes(content)
    with pytest.raises(ValueError, match="the store is damaged"):
        verify_store(path)
    (path / name).unlink()
    with pytest.raises(ValueError, match=r"is damaged .* 0 of 1 files"):
        verify_store(path)


def test_an_array_without_its_own_metadata_is_found(spectra, tmp_path):
    path = tmp_path / "g.zarr"
    write_pdfs(path, spectra, [REFERENCE])
    (path / "g" / "zarr.json").write_text("{")
    with pytest.raises(ValueError, match="the store is damaged"):
        verify_store(path)
    (path / "g" / "zarr.json").unlink()
    with pytest.raises(ValueError, match="the store is damaged"):
        verify_store(path)


def test_a_store_is_replaced_whole(spectra, tmp_path):
    path = tmp_path / "g.zarr"
    write_pdfs(path, spectra, [REFERENCE], ids=["iron-0"])
    write_pdfs(path, spectra, [REFERENCE], ids=["iron-1", "iron-2"])
    assert xarray.open_zarr(path)["crystal"].to_numpy().tolist() == ["iron-1", "iron-2"]
    assert [p.name for p in tmp_path.iterdir()] == ["g.zarr"]


def test_numbers_that_are_nan_are_found(tmp_path):
    path = tmp_path / "nan.zarr"
    with new_store(path, {}) as group:
        data = np.array([1.0, np.nan])
        group.create_array("g", data=data, dimension_names=("r",))
    with pytest.raises(ValueError, match=r"is damaged .g: numbers that are nan"):
        verify_store(path)


def test_missing_store_says_how_to_make_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no store; make it with 'dvc repro'"):
        open_store(tmp_path / "x.zarr")


@pytest.mark.parametrize(
    ("conditions", "ids", "message"),
    [
        # a crystal without a spectrum: one is named
        (REFERENCE, ["iron-0", "gold"], "lacks 1 of the crystals .* such as 'gold'"),
        # conditions for another radiation: both are named
        (
            Conditions(radiation="neutron"),
            None,
            "are for xray, the conditions for neut",
        ),
        # a range beyond the spectra: what is needed is said
        (Conditions(rmax=40.0), None, "the pair spectra reach 36 Å, but"),
    ],
)
def test_what_the_spectra_do_not_hold_is_refused(
    spectra, tmp_path, conditions, ids, message
):
    with pytest.raises(ValueError, match=message):
        write_pdfs(tmp_path / "x.zarr", spectra, [conditions], ids=ids)
    assert list(tmp_path.iterdir()) == []


def test_noise_goes_into_the_store(spectra, tmp_path):
    omega = REFERENCE.at(noise=0.1)
    write_pdfs(tmp_path / "noisy.zarr", spectra, [omega])
    write_pdfs(tmp_path / "clean.zarr", spectra, [REFERENCE])
    noisy = xarray.open_zarr(tmp_path / "noisy.zarr")["g"].to_numpy()
    clean = xarray.open_zarr(tmp_path / "clean.zarr")["g"].to_numpy()
    level = np.sqrt(((noisy - clean) ** 2).mean(axis=1) / (clean**2).mean(axis=1))
    assert level.mean() == pytest.approx(0.1, rel=0.15)


def test_a_map_has_a_dimension_for_each_axis(spectra, small_table, tmp_path):
    sweep = get_sweep("uiso-qdamp")
    ids = small_table["id"].to_pylist()[:2]
    write_pdfs(tmp_path / "map.zarr", spectra, sweep.conditions(), sweep, ids)
    data = xarray.open_zarr(tmp_path / "map.zarr")
    assert data["g"].dims == ("value", "other", "crystal", "r")
    assert data["other"].attrs["units"] == "Å⁻¹"
    write_pdfs(tmp_path / "one.zarr", spectra, [Conditions(uiso=0.006, qdamp=0.12)])
    one = xarray.open_zarr(tmp_path / "one.zarr")["g"].to_numpy()[:2]
    found = data["g"].sel(value=0.006, other=0.12).to_numpy()
    np.testing.assert_array_equal(found, one)


def test_another_radiation_is_seen_where_there_are_lengths(tmp_path, small_table):
    # polonium has no neutron scattering length
    polonium = Crystal("Po", 3.35 * np.eye(3), np.array([84]), np.zeros((1, 3)))
    crystals = [*crystals_of(small_table.slice(0, 2)), polonium]
    table, spectra = tmp_path / "crystals.parquet", tmp_path / "spectra.zarr"
    write_table(to_table(crystals, [225, 225, 221]), table)
    with open_pool() as pool:
        write_spectra(spectra, table, "xray", DMAX, pool)
    sweep, ids = get_sweep("radiation"), [crystal.id for crystal in crystals]
    path = tmp_path / "radiation.zarr"
    with pytest.raises(ValueError, match="spectra are for xray, the conditions for ne"):
        write_pdfs(path, spectra, sweep.conditions(), sweep, ids)
    write_pdfs(path, spectra, sweep.conditions(), sweep, ids, table)
    data = xarray.open_zarr(path)
    assert data["value"].to_numpy().tolist() == ["xray", "neutron"]
    assert data["seen"].to_numpy().tolist() == [[True] * 3, [True, True, False]]
    g = data["g"].to_numpy()
    op = input_operator(Conditions(radiation="neutron"), DMAX)
    seen = pair_spectra(crystals[:2], "neutron", DMAX)
    expected = apply_operator(op, seen, [crystal.density for crystal in crystals[:2]])
    np.testing.assert_allclose(g[1, :2], expected, atol=1e-4)
    assert (g[1, 2] == 0).all() and (g[0, 2] != 0).any()
    verify_store(path)


def test_the_diameter_of_a_bulk_crystal_is_no_damage(spectra, small_table, tmp_path):
    sweep, path = get_sweep("diameter"), tmp_path / "diameter.zarr"
    ids = small_table["id"].to_pylist()[:2]
    write_pdfs(path, spectra, sweep.conditions(), sweep, ids)
    assert verify_store(path) > 9 * 2 * 209
