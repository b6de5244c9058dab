import numpy as np
import pytest

from gromega.evaluation import predictions as module
from gromega.evaluation.predictions import predict_store, within
from gromega.lake.pdfs import StoredPDFs, read_pdfs
from gromega.lake.predictions import StoredPredictions, read_predictions
from gromega.sweeps import get_sweep


class Echo:
    """A model whose log-probabilities are points of the PDF plus the composition."""

    space_groups = np.array([194, 225, 229])

    def without_and_with_composition(self, g, compositions):
        first = g[:, 1:4]
        if compositions is None:
            return first, None
        return first, first + np.array([[float(name)] for name in compositions])


@pytest.fixture(scope="module")
def ids(small_table):
    return np.array(small_table["id"].to_pylist())


# whatever number of PDFs goes to the model at a time
@pytest.mark.parametrize("rows", [1, 20, 4096])
def test_each_prediction_is_from_its_own_pdf_and_composition(
    lake, ids, tmp_path, monkeypatch, rows
):
    monkeypatch.setattr(module, "_ROWS", rows)
    sweep, names = get_sweep("uiso"), [str(k) for k in range(ids.size)]
    found = predict_store(
        Echo(), lake / "uiso.zarr", ids, tmp_path / "p.zarr", sweep, names
    )
    stored = StoredPDFs(lake / "uiso.zarr", ids, sweep)
    g, _ = stored.read(), stored.valid
    np.testing.assert_array_equal(found.log_p, g[:, :, 1:4])
    expected = g[:, :, 1:4] + np.arange(ids.size, dtype=np.float32)[:, None]
    np.testing.assert_allclose(found.log_p_with_composition, expected, rtol=1e-6)


def test_predictions_are_written_with_the_hashes_of_the_model(lake, ids, tmp_path):
    out, sha256 = tmp_path / "p.zarr", {"config.json": "12ab"}
    made = predict_store(Echo(), lake / "reference.zarr", ids, out, model_sha256=sha256)
    found = read_predictions(out)
    np.testing.assert_array_equal(found.log_p, made.log_p)
    expected = read_pdfs(lake / "reference.zarr", ids)[:, 1:4]
    np.testing.assert_array_equal(found.log_p[0], expected)
    assert found.log_p_with_composition is None
    assert dict(found.model_sha256) == sha256
    assert found.valid.all()


def test_a_store_of_another_sweep_is_refused(lake, ids, tmp_path):
    with pytest.raises(ValueError, match="uiso"):
        predict_store(
            Echo(), lake / "uiso.zarr", ids, tmp_path / "p.zarr", get_sweep("rmax")
        )


def test_a_crystal_that_the_store_lacks_is_named(lake, tmp_path):
    with pytest.raises(ValueError, match="'gold'"):
        predict_store(
            Echo(), lake / "reference.zarr", np.array(["gold"]), tmp_path / "p.zarr"
        )


def test_predictions_within_some_groups_are_among_these_alone():
    p = np.array([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3], [0.2, 0.2, 0.6]])
    groups = np.array([2, 14, 62])
    everything = StoredPredictions(
        np.array(list("abc")), groups, np.log(p)[None], np.ones((1, 3), bool),
        None, np.log(p[:, ::-1])[None],
    )  # fmt: skip
    assert within(everything, groups, np.array([2, 14, 62])) is everything
    found = within(everything, np.array([2, 62]), np.array([2, 14, 62]))
    assert found.ids.tolist() == ["a", "c"]
    assert found.space_groups.tolist() == [2, 62]
    np.testing.assert_allclose(np.exp(found.log_p[0]), [[5 / 7, 2 / 7], [0.25, 0.75]])
    given = np.exp(found.log_p_with_composition[0])
    np.testing.assert_allclose(given, [[2 / 7, 5 / 7], [0.75, 0.25]])
    assert found.valid.shape == (1, 2)
