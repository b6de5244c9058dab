import json
from pathlib import Path

import numpy as np

from gromega.crystals.table import crystals_of, read_table, rows_of
from gromega.evaluation.novelty import NO_RATIOS
from gromega.lake.pdfs import read_pdfs
from gromega.lake.splits import read_part, read_relatives
from gromega.model.io import hashes_of, load_model
from gromega.pipeline.evaluate_novelty import score_cell_sizes_of

NOVELTY = Path("data/predictions/novelty.json")


def test_scores_are_of_this_model_and_its_test_part(inside):
    content = json.loads(NOVELTY.read_text())
    assert content["model"] == hashes_of(Path("models/current"))
    # trained at the reference alone, without neighbours
    assert content["cell_sizes"] == {}
    ((place, by_composition),) = content["scores"].items()
    assert place == "reference" and [*by_composition] == ["without_composition"]
    scores = by_composition["without_composition"]["unsure"]
    reference = json.loads(Path("metrics/reference.json").read_text())
    assert scores["all"]["n"] == reference["n"]
    assert np.isclose(scores["all"]["top1"], reference["top1"], atol=1e-4)


def test_the_classes_are_by_relatives(inside):
    ids, _ = read_part(Path("data/split.parquet"), "test")
    crystals, split = Path("data/crystals.parquet"), Path("data/split.parquet")
    relatives = read_relatives(crystals, split, ids)
    scores = json.loads(NOVELTY.read_text())["scores"]["reference"]
    found = scores["without_composition"]["unsure"]
    assert found["known"]["n"] == np.count_nonzero(relatives)
    # all crystals are scaled copies of three
    assert NO_RATIOS not in found
    assert found["AMD distance below 2 %"]["n"] == ids.size


def test_a_model_with_a_box_is_tested_in_its_corners(inside_robust):
    scores = json.loads(NOVELTY.read_text())["scores"]
    assert len(scores) == 4
    for by_composition in scores.values():
        assert {*by_composition} == {"without_composition", "with_composition"}


def test_the_sizes_of_primitive_cells_are_scored(inside_robust):
    content = json.loads(NOVELTY.read_text())
    assert {*content["cell_sizes"]} == {*content["scores"]}
    alone, given = content["cell_sizes"]["reference"].values()
    assert alone["all"]["n"] == read_part(Path("data/split.parquet"), "test")[0].size
    assert alone["all"]["volume_error"] is None
    # the elements of the training crystals have the volumes of these crystals
    assert given["all"]["volume_error"] < 0.5
    for scores in (alone["all"], given["all"]):
        assert 0 <= scores["right"] <= 1 and scores["width"] >= 1


def test_a_crystal_without_a_structure_type_has_no_cell_size(inside_robust):
    model = load_model("models/current")
    ids, _ = read_part(Path("data/split.parquet"), "test")
    rows = rows_of(read_table(Path("data/crystals.parquet")), ids)
    types = ["", *rows["structure_type"].to_pylist()[1:]]
    g = read_pdfs(Path("data/reference.zarr"), ids)
    (result,) = model.query(g, [None])
    everything = {"all": np.ones(ids.size, bool)}
    scores = score_cell_sizes_of(
        model, result, None, crystals_of(rows), types, everything
    )
    assert scores["all"]["n"] == ids.size - 1
