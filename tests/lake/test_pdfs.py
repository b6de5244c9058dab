import json

import numpy as np
import pytest
import xarray

from gromega._util.parallel import open_pool
from gromega.conditions import REFERENCE, Conditions
from gromega.crystals.crystal import Crystal
from gromega.crystals.table import crystals_of, to_table, write_table
from gromega.lake.pdfs import StoredPDFs, read_pdfs, write_pdfs
from gromega.lake.spectra import write_spectra
from gromega.pdf.bins import DMAX
from gromega.pdf.defects import add_defects, partners
from gromega.pdf.network_grid import INPUT_R, input_operator, input_readout
from gromega.pdf.operator import apply_operator
from gromega.pdf.simulate import clean_pdfs
from gromega.pdf.spectrum import make_spectra
from gromega.sweeps import AXES, get_sweep


@pytest.fixture(scope="module")
def reference_store(spectra_store):
    path = spectra_store.with_name("reference.zarr")
    write_pdfs(path, spectra_store, [REFERENCE])
    return path


def test_xarray_opens_a_sweep_with_names_and_units(rmax_store):
    data = xarray.open_zarr(rmax_store)
    assert data["g"].dims == ("value", "crystal", "r")
    assert data["g"].attrs["units"] == "Å⁻²"
    assert data["r"].attrs["units"] == data["value"].attrs["units"] == "Å"
    assert data["value"].to_numpy().tolist() == list(AXES["rmax"].values)
    np.testing.assert_allclose(data["r"], INPUT_R)
    stated = [Conditions.from_mapping(c) for c in json.loads(data.attrs["conditions"])]
    assert stated == get_sweep("rmax").conditions()


def test_g_is_the_operator_applied_to_the_pair_spectra(reference_store, small_table):
    crystals = crystals_of(small_table)
    op = input_operator(REFERENCE, DMAX)
    density = [crystal.density for crystal in crystals]
    expected = apply_operator(op, make_spectra(crystals, "xray", DMAX), density)
    g = xarray.open_zarr(reference_store)["g"].to_numpy()
    assert g.shape == (24, 209)
    np.testing.assert_allclose(g, expected, atol=1e-4)


def test_a_sweep_at_the_reference_equals_the_reference(
    rmax_store, reference_store, six_ids
):
    stored = StoredPDFs(rmax_store, np.array(six_ids), get_sweep("rmax"))
    along, valid = stored.read(), stored.valid
    assert valid.shape == (11, 6) and valid.all()
    np.testing.assert_array_equal(along[-1], read_pdfs(reference_store, six_ids))


def test_the_same_inputs_give_the_same_bytes(
    rmax_store, spectra_store, six_ids, tmp_path
):
    sweep, again = get_sweep("rmax"), tmp_path / "again.zarr"
    write_pdfs(again, spectra_store, sweep.conditions(), sweep, six_ids)
    files = sorted(p.relative_to(again) for p in again.rglob("*") if p.is_file())
    assert len(files) > 10
    for name in files:
        assert (rmax_store / name).read_bytes() == (again / name).read_bytes(), name


@pytest.mark.parametrize(
    ("conditions", "ids", "message"),
    [
        # a crystal without a spectrum
        (REFERENCE, ["iron-0", "gold"], "'gold'"),
        # another radiation, without crystals to compute spectra from
        (Conditions(radiation="neutron"), None, "xray.*neutron"),
        # a range beyond the spectra
        (Conditions(rmax=40.0), None, "36 Å"),
    ],
)
def test_what_the_spectra_do_not_hold_is_refused(
    spectra_store, tmp_path, conditions, ids, message
):
    with pytest.raises(ValueError, match=message):
        write_pdfs(tmp_path / "x.zarr", spectra_store, [conditions], ids=ids)
    assert list(tmp_path.iterdir()) == []


def test_noise_has_the_level_of_the_conditions(
    spectra_store, reference_store, tmp_path
):
    write_pdfs(tmp_path / "noisy.zarr", spectra_store, [REFERENCE.at(noise=0.1)])
    noisy = xarray.open_zarr(tmp_path / "noisy.zarr")["g"].to_numpy()
    clean = xarray.open_zarr(reference_store)["g"].to_numpy()
    level = np.sqrt(((noisy - clean) ** 2).mean(axis=1) / (clean**2).mean(axis=1))
    assert level.mean() == pytest.approx(0.1, rel=0.15)


def test_a_map_has_a_dimension_for_each_axis(spectra_store, six_ids, tmp_path):
    sweep, ids = get_sweep("uiso-qdamp"), six_ids[:2]
    write_pdfs(tmp_path / "map.zarr", spectra_store, sweep.conditions(), sweep, ids)
    data = xarray.open_zarr(tmp_path / "map.zarr")
    assert data["g"].dims == ("value", "other", "crystal", "r")
    assert data["other"].attrs["units"] == "Å⁻¹"
    omega = Conditions(uiso=0.006, qdamp=0.12)
    write_pdfs(tmp_path / "one.zarr", spectra_store, [omega], ids=ids)
    found = data["g"].sel(value=0.006, other=0.12).to_numpy()
    np.testing.assert_array_equal(found, read_pdfs(tmp_path / "one.zarr", ids))


def test_a_crystal_without_a_scattering_length_is_not_valid(tmp_path, small_table):
    # polonium has no neutron scattering length
    polonium = Crystal("Po", 3.35 * np.eye(3), np.array([84]), np.zeros((1, 3)))
    crystals = [*crystals_of(small_table.slice(0, 2)), polonium]
    table, spectra = tmp_path / "crystals.parquet", tmp_path / "spectra.zarr"
    write_table(to_table(crystals, [225, 225, 221]), table)
    with open_pool() as pool:
        write_spectra(spectra, table, "xray", DMAX, pool)
    sweep, ids = get_sweep("radiation"), np.array([crystal.id for crystal in crystals])
    path = tmp_path / "radiation.zarr"
    write_pdfs(path, spectra, sweep.conditions(), sweep, ids, table)
    stored = StoredPDFs(path, ids, sweep)
    g, valid = stored.read(), stored.valid
    assert sweep.axes[0].values == ("xray", "neutron")
    assert valid.tolist() == [[True] * 3, [True, True, False]]
    op = input_operator(Conditions(radiation="neutron"), DMAX)
    neutron = make_spectra(crystals[:2], "neutron", DMAX)
    density = [crystal.density for crystal in crystals[:2]]
    np.testing.assert_allclose(
        g[1, :2], apply_operator(op, neutron, density), atol=1e-4
    )
    assert (g[1, 2] == 0).all() and (g[0, 2] != 0).any()
    # as a second phase, it has no G
    sweep = get_sweep("radiation-second_phase", {"second_phase": [0.0, 0.4]})
    path = tmp_path / "phase.zarr"
    points, others = sweep.conditions(), sweep.defects()
    write_pdfs(path, spectra, points, sweep, ids, table)
    alone, mixed = StoredPDFs(path, ids, sweep).read()[2:]
    (row,) = np.flatnonzero(partners(list(ids)) == 2)
    np.testing.assert_allclose(mixed[row], (1 - others[3].second_phase) * alone[row])


def test_a_sweep_of_other_crystals_is_refused(rmax_store, six_ids):
    with pytest.raises(ValueError, match=r"rmax\.zarr"):
        StoredPDFs(rmax_store, np.array(six_ids)[::-1], get_sweep("rmax"))


def test_a_crystal_that_the_reference_lacks_is_named(reference_store):
    with pytest.raises(ValueError, match=r"reference\.zarr: .*'gold'"):
        read_pdfs(reference_store, ["gold"])


@pytest.mark.parametrize("name", ["second_phase", "wave", "form_factors-uiso_spread"])
def test_defects_are_those_of_simulate(tmp_path, classics, name):
    table, spectra = tmp_path / "crystals.parquet", tmp_path / "spectra.zarr"
    write_table(to_table(classics, [225] * len(classics)), table)
    with open_pool() as pool:
        write_spectra(spectra, table, "xray", DMAX, pool)
    sweep, ids = get_sweep(name), np.array([crystal.id for crystal in classics])
    path, omegas = tmp_path / "defects.zarr", sweep.conditions()
    write_pdfs(path, spectra, omegas, sweep, ids, table)
    found = StoredPDFs(path, ids, sweep).read()
    for layer, defects in zip(found, sweep.defects(), strict=True):
        op = input_operator(REFERENCE, DMAX, defects)
        clean = clean_pdfs(op, classics, REFERENCE, DMAX, defects, input_readout())
        other = clean[partners(ids.tolist())]
        expected = add_defects(op, clean, ids.tolist(), defects, other)
        np.testing.assert_allclose(layer, expected, atol=1e-3)
    assert len({layer.tobytes() for layer in found}) == len(found)
