import numpy as np
import pytest

from gromega.evaluation.cell_sizes import score_cell_sizes
from gromega.model.cell_size import CellSize


def test_scores_compare_predictions_with_the_crystals():
    found = [
        CellSize(6, 0.5, (4, 8), 60.0, (40.0, 80.0)),
        CellSize(2, 0.75, (2, 8), 30.0, (20.0, 100.0)),
        CellSize(4, 0.25, (1, 6), 10.0, (5.0, 15.0)),
    ]
    atoms, volumes = np.array([6, 1, 8]), np.array([50.0, 40.0, 20.0])
    classes = {"all": np.ones(3, bool), "new": atoms == 1, "none": atoms == 7}
    scores = score_cell_sizes(found, atoms, volumes, classes)
    assert [*scores] == ["all", "new"]
    assert scores["all"] == pytest.approx({
        "n": 3, "right": 1 / 3, "confidence": 0.5, "coverage": 1 / 3, "width": 4.0,
        "volume_error": 0.25, "volume_coverage": 2 / 3, "volume_width": 3.0,
    }, abs=1e-6)  # fmt: skip
    assert scores["new"]["coverage"] == 0 and scores["new"]["n"] == 1


def test_a_prediction_without_a_volume_is_not_covered():
    found = [CellSize(6, 0.5, (4, 8)), CellSize(2, 0.5, (2, 2), 40.0, (30.0, 50.0))]
    classes = {"all": np.ones(2, bool), "new": np.array([True, False])}
    scores = score_cell_sizes(found, np.array([6, 2]), np.array([50.0, 50]), classes)
    assert scores["all"]["volume_coverage"] == 0.5
    assert scores["all"]["volume_error"] == pytest.approx(0.2)
    assert scores["new"]["volume_error"] is None
    assert scores["new"]["volume_coverage"] == 0


def test_without_the_composition_there_is_no_volume():
    found = [CellSize(6, 0.5, (4, 8))]
    one = np.ones(1, bool)
    scores = score_cell_sizes(found, np.array([6]), np.array([50.0]), {"all": one})
    assert scores["all"]["right"] == 1 and scores["all"]["volume_error"] is None
