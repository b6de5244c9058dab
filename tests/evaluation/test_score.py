import shutil
from dataclasses import replace

import numpy as np
import pytest

from gromega._util.files import read_json, sha256, write_json
from gromega.conditions import REFERENCE
from gromega.crystals.table import crystals_of
from gromega.evaluation.predictions import predict_store
from gromega.evaluation.score import (
    classes,
    flat,
    learned_of,
    read_points,
    score,
    score_model,
    score_with_benchmark,
    scores,
    unflat,
    write_points,
)
from gromega.lake.predictions import (
    StoredPredictions,
    read_predictions,
    write_predictions,
)
from gromega.lake.splits import draw_split, write_split
from gromega.model.build_neighbours import build_neighbours
from gromega.model.model import Model
from gromega.networks.build import make_network
from gromega.networks.logits import ranks
from gromega.networks.weights import to_arrays
from gromega.sweeps import get_sweep

NETWORK = {"name": "residual", "widths": (8, 16), "dropout": 0.1}


@pytest.fixture(scope="module")
def model():
    groups = np.array([194, 225, 229])
    return Model(to_arrays(make_network(NETWORK, 3, 3)), groups, NETWORK, REFERENCE, {})


@pytest.fixture
def labels(small_table):
    ids = np.array(small_table["id"].to_pylist())
    return ids, np.asarray(small_table["space_group"], dtype=np.int64)


def test_scores_count_the_first_and_the_first_six():
    log_p = np.log(np.tile(np.arange(1, 9) / 36, (4, 1)))
    y = np.array([7, 6, 2, 1])
    found = score(log_p, y)
    assert 0 <= found.pop("ece") <= 1
    assert found == {"top1": 0.25, "top6": 0.75, "n": 4}


def test_scores_are_those_of_the_model_s_ranking(model, lake, labels, small_table):
    ids, groups = labels
    found = predict_store(model, lake / "reference.zarr", ids, lake / "answers.zarr")
    there = scores(found, groups)[""]
    ranked = model.rank(crystals_of(small_table))
    assert there["n"] == 24
    assert there["top1"] == pytest.approx((ranked[:, 0] == groups).mean(), abs=1e-6)
    assert there["top6"] == 1.0


def test_ranks_are_places_in_the_ranking(model, small_table, lake, labels):
    ids, groups = labels
    found = predict_store(model, lake / "reference.zarr", ids, lake / "answers.zarr")
    ranked = model.rank(crystals_of(small_table))
    expected = [row.tolist().index(g) for row, g in zip(ranked, groups, strict=True)]
    y = classes(model.space_groups, groups)
    assert ranks(found.log_p[0], y).tolist() == expected
    # of groups as probable the first comes first
    assert ranks(np.zeros((2, 4)), np.array([0, 2])).tolist() == [0, 2]


def test_sweep_has_the_reference_s_score_at_the_reference(model, lake, labels):
    ids, groups = labels
    along = predict_store(
        model, lake / "uiso.zarr", ids, lake / "answers-uiso.zarr", get_sweep("uiso")
    )
    found = scores(along, groups)
    assert list(found) == ["0.005", "0.006", "0.007", "0.008", "0.009", "0.010"]
    there = predict_store(model, lake / "reference.zarr", ids, lake / "answers.zarr")
    assert found["0.008"] == scores(there, groups)[""]


def test_crystals_that_were_not_seen_do_not_count():
    log_p = np.log(np.array([[[0.8, 0.2], [0.3, 0.7], [0.9, 0.1]]]))
    seen = np.array([[True, True, False]])
    found = StoredPredictions(
        np.array(list("abc")), np.array([2, 14]), log_p, seen, None
    )
    assert scores(found, np.array([2, 2, 2]))[""]["n"] == 2
    assert scores(found, np.array([2, 2, 2]))[""]["top1"] == 0.5


def test_answers_that_knew_the_composition_are_scored_apart(tmp_path):
    log_p = np.log(np.array([[[0.8, 0.2], [0.3, 0.7], [0.9, 0.1]]]))
    told = np.log(np.array([[[0.6, 0.4], [0.6, 0.4], [0.1, 0.9]]]))
    seen = np.array([[True, True, False]])
    ids, groups = np.array(list("abc")), np.array([2, 14])
    written = StoredPredictions(ids, groups, log_p, seen, None, told)
    write_predictions(tmp_path / "a.zarr", written)
    found = read_predictions(tmp_path / "a.zarr")
    np.testing.assert_allclose(found.log_p_with_composition, told, atol=1e-6)
    made = scores(found, np.array([2, 2, 2]))[""]
    better = made.pop("with_composition")
    assert (made["top1"], made["n"]) == (0.5, 2)
    assert (better["top1"], better["n"]) == (1.0, 2)


@pytest.mark.parametrize("known", [None, {"top1": 0.6, "ece": 0.1, "n": 4}])
def test_flat_scores_hold_numbers_alone(known):
    score = {"top1": 0.25, "ece": 0.2, "n": 4}
    if known:
        score["with_composition"] = known
    numbers = flat(score)
    assert all(isinstance(number, float | int) for number in numbers.values())
    assert numbers.get("top1_with_composition") == (known and 0.6)
    assert unflat(numbers) == score


def test_each_point_of_a_sweep_has_a_file(tmp_path):
    found = {"10": {"top1": 0.2, "n": 4}, "12": {"top1": 0.3, "n": 4}}
    write_points(tmp_path / "rmax", found)
    assert read_json(tmp_path / "rmax" / "12.json") == {"top1": 0.3, "n": 4}
    assert read_points(tmp_path / "rmax", ["10", "12"]) == found


def test_group_that_the_model_does_not_know_is_named(model):
    assert classes(model.space_groups, np.array([229, 194])).tolist() == [2, 0]
    with pytest.raises(ValueError, match="62"):
        classes(model.space_groups, np.array([225, 62]))


def test_json_round_trip(tmp_path):
    write_json(tmp_path / "new" / "a.json", {"top1": 0.5})
    assert read_json(tmp_path / "new" / "a.json") == {"top1": 0.5}
    with pytest.raises(FileNotFoundError, match="run 'dvc repro'"):
        read_json(tmp_path / "b.json")


def test_learned_crystals_are_named_in_the_order_of_the_ids(small_model):
    ids = ["my best crystal C", "mp-7", "my best crystal", "mp-1", "mp-1 NaCl"]
    assert learned_of(small_model, ids) == ["my best crystal", "mp-1"]
    assert learned_of(replace(small_model, neighbours=None), ids) == []


@pytest.mark.parametrize("by", ["ids", "hash", "nothing"])
def test_a_model_is_not_scored_on_its_training_crystals(
    model, lake, labels, tmp_path, by
):
    ids, groups = labels
    data = shutil.copytree(lake, tmp_path / "data")
    split = data / "split.parquet"
    parts = draw_split(ids.tolist(), groups, 0.25, 0.2, 0)
    write_split(split, ids.tolist(), groups, parts, "random", 0)
    test_ids = ids[parts == "test"].tolist()
    names = tuple(f"{name} X" for name in test_ids) if by == "ids" else ("other X",)
    known = build_neighbours(
        [[np.eye(len(names), 4) + 0.1]], np.zeros(len(names), int), names, 3
    )
    trained_with = {"split.parquet": "0" * 64} if by == "hash" else {}
    learned = replace(
        model,
        training={"sha256": trained_with},
        neighbours=known if by == "ids" else None,
    )
    with pytest.raises(ValueError, match=test_ids[0] if by == "ids" else "split"):
        score_model(learned, data)
    own = replace(learned, training={"sha256": {"split.parquet": sha256(split)}})
    assert score_model(replace(own, neighbours=None), data)["n"] == len(test_ids)


def test_scores_of_all_groups_are_apart():
    score = {"top1": 0.5, "n": 4, "with_composition": {"top1": 0.6, "n": 4}}
    of_all = {"top1": 0.4, "n": 7, "with_composition": {"top1": 0.45, "n": 7}}
    numbers = flat(score | {"all_groups": of_all})
    assert numbers["n_all_groups"] == 7
    assert numbers["top1_with_composition_all_groups"] == 0.45
    assert unflat(numbers) == score | {"all_groups": of_all}


def test_the_benchmark_is_scored_among_its_groups_alone():
    p = np.array([[0.2, 0.7, 0.1], [0.1, 0.3, 0.6], [0.1, 0.8, 0.1]])
    y = np.array([0, 2, 1])
    found = score_with_benchmark(np.log(p), y, np.log(p), np.array([0, 2]))
    # class 1 is not possible, and the crystal of class 1 does not count
    assert (found["top1"], found["n"]) == (1.0, 2)
    assert found["with_composition"]["top1"] == 1.0
    of_all = found["all_groups"]
    assert (of_all["top1"], of_all["n"]) == (round(2 / 3, 6), 3)
    assert of_all["with_composition"]["n"] == 3
    whole = score_with_benchmark(np.log(p), y, None, np.arange(3))
    assert whole == score(np.log(p), y)
