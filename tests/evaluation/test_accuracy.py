import numpy as np
import pytest

from gromega.conditions import AXES, REFERENCE
from gromega.crystals.table import crystals_of, write_table
from gromega.evaluation.accuracy import (
    classes,
    read_json,
    reference_scores,
    score,
    sweep_scores,
    write_json,
)
from gromega.lake import write_pdfs, write_spectra
from gromega.models.model import Model
from gromega.models.recipes import make_network
from gromega.parallel import open_pool
from gromega.pdf.spectrum import DMAX

NETWORK = {"name": "residual", "widths": (8, 16), "dropout": 0.1}


@pytest.fixture(scope="module")
def model():
    groups = np.array([194, 225, 229])
    return Model(make_network(NETWORK, 3, 3), groups, NETWORK, REFERENCE, {})


@pytest.fixture(scope="module")
def lake(tmp_path_factory, small_table):
    folder = tmp_path_factory.mktemp("lake")
    write_table(small_table, folder / "crystals.parquet")
    with open_pool() as pool:
        table = folder / "crystals.parquet"
        write_spectra(folder / "spectra.zarr", table, "xray", DMAX, pool)
    write_pdfs(folder / "reference.zarr", folder / "spectra.zarr", [REFERENCE])
    axis = AXES["uiso"]
    ids = small_table["id"].to_pylist()
    write_pdfs(
        folder / "uiso.zarr", folder / "spectra.zarr", axis.conditions(), axis, ids
    )
    return folder


@pytest.fixture
def labels(small_table):
    ids = np.array(small_table["id"].to_pylist())
    return ids, np.asarray(small_table["space_group"], dtype=np.int64)


def test_scores_count_the_first_and_the_first_six():
    log_p = np.log(np.tile(np.arange(1, 9) / 36, (4, 1)))
    y = np.array([7, 6, 2, 1])
    scores = score(log_p, y)
    assert 0 <= scores.pop("ece") <= 1
    assert scores == {"top1": 0.25, "top6": 0.75, "n": 4}


def test_scores_are_those_of_the_model_s_ranking(model, lake, labels, small_table):
    ids, groups = labels
    scores = reference_scores(model, lake / "reference.zarr", ids, groups)
    ranked = model.rank(crystals_of(small_table))
    assert scores["n"] == 24
    assert scores["top1"] == pytest.approx((ranked[:, 0] == groups).mean(), abs=1e-6)
    assert scores["top6"] == 1.0


def test_sweep_has_the_reference_s_score_at_the_reference(model, lake, labels):
    ids, groups = labels
    scores = sweep_scores(model, lake / "uiso.zarr", ids, groups)
    assert list(scores) == ["0.005", "0.006", "0.007", "0.008", "0.009", "0.010"]
    reference = reference_scores(model, lake / "reference.zarr", ids, groups)
    assert scores["0.008"] == reference


def test_sweep_of_other_crystals_is_refused(model, lake, labels):
    ids, groups = labels
    with pytest.raises(ValueError, match="the store is not of the test part"):
        sweep_scores(model, lake / "uiso.zarr", ids[:5], groups[:5])


def test_crystal_that_the_store_lacks_is_named(model, lake):
    with pytest.raises(ValueError, match="the store lacks the crystal 'gold'"):
        reference_scores(
            model, lake / "reference.zarr", np.array(["gold"]), np.array([225])
        )


def test_group_that_the_model_does_not_know_is_named(model):
    assert classes(model, np.array([229, 194])).tolist() == [2, 0]
    with pytest.raises(ValueError, match="does not know the space group 62"):
        classes(model, np.array([225, 62]))


def test_json_round_trip(tmp_path):
    write_json(tmp_path / "new" / "a.json", {"top1": 0.5})
    assert read_json(tmp_path / "new" / "a.json") == {"top1": 0.5}
    with pytest.raises(FileNotFoundError, match="run 'dvc repro'"):
        read_json(tmp_path / "b.json")
