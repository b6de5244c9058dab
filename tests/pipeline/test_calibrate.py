import json
from pathlib import Path

import pytest

from gromega.conditions import Conditions
from gromega.crystals.structure_type import atoms_of_type
from gromega.crystals.table import read_table, rows_of
from gromega.lake.splits import read_part
from gromega.model.io import load_model

SPLIT = Path("data/split.parquet")


@pytest.fixture
def robust(inside_robust):
    return load_model("models/current")


def test_probabilities_are_calibrated_on_the_validation_part(inside):
    model = load_model("models/current")
    ids, _ = read_part(SPLIT, "validation")
    assert model.calibration.n == ids.size


def test_over_a_box_each_validation_crystal_counts_four_times(robust):
    training = json.loads(Path("metrics/train.json").read_text())
    for calibration in (robust.calibration, robust.calibration_with_composition):
        assert calibration.n == 4 * training["n_validation"]


def test_the_probability_of_other_groups_has_their_share(robust):
    for calibration in (robust.calibration, robust.calibration_with_composition):
        assert calibration.other_groups.n == 5
        assert calibration.other_groups.share == pytest.approx(5 / 29, abs=1e-6)


def test_neighbours_are_crystals_of_the_training_part(robust):
    names = {name.split()[0] for name in robust.neighbours.names}
    ids, _ = read_part(SPLIT, "train")
    assert len(robust.neighbours.names) == 15
    assert names == set(ids)


def test_the_model_knows_the_cells_of_its_structure_types(robust):
    sizes = robust.cell_sizes
    assert sizes.atoms.size == robust.architecture["n_types"]
    ids, _ = read_part(SPLIT, "train")
    types = rows_of(read_table(Path("data/crystals.parquet")), ids)["structure_type"]
    # in the order of the groups of the network
    known = {
        (int(robust.space_groups[group]), int(atoms), ratios)
        for group, atoms, ratios in zip(
            robust.weights["group_of_type"], sizes.atoms, sizes.ratios, strict=True
        )
    }
    for name in types.to_pylist():
        ratios, group, *_ = name.split("_")
        assert (int(group), atoms_of_type(name), ratios) in known


def test_the_test_crystals_of_a_model_are_the_test_part(robust):
    ids, _ = read_part(SPLIT, "test")
    assert set(robust.test_crystals.ids) == set(ids)
    for with_composition in (False, True):
        right = robust.reliability_test.accuracy_at(
            Conditions(qmax=20.0), with_composition
        )[1]
        assert len(right) == ids.size


def test_a_calibration_run_again_gives_the_same_bytes(inside_robust, run):
    folder = Path("models/current")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    run("calibrate")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
