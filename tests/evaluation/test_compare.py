import shutil
import subprocess

import numpy as np
import pytest

from gromega.evaluation.compare import compare_runs, predictions_of_run
from gromega.lake.predictions import StoredPredictions, write_predictions
from gromega.sweeps import get_sweep

GROUPS = np.array([2, 14, 62])
IDS = np.array([f"c{k}" for k in range(200)])
TRUTH = GROUPS[np.arange(200) % 3]


def predictions(right, sweep=None, ids=IDS):
    """Return predictions that are correct for the first crystals, `right` of them."""
    y = np.searchsorted(GROUPS, TRUTH)
    predicted = np.where(np.arange(200) < right, y, (y + 1) % 3)
    log_p = np.log(np.full((200, 3), 0.1) + 0.7 * np.eye(3)[predicted])
    points = 1 if sweep is None else len(sweep.keys())
    tiled = np.tile(log_p.astype(np.float32), (points, 1, 1))
    return StoredPredictions(ids, GROUPS, tiled, np.ones((points, 200), bool), sweep)


def test_differences_are_of_the_same_crystals_at_each_point():
    sweep = get_sweep("uiso")
    ours = {"reference": predictions(150), "uiso": predictions(120, sweep)}
    theirs = {"reference": predictions(140), "uiso": predictions(130, sweep)}
    table = compare_runs(ours, theirs, TRUTH, "main~1")
    assert [row[:2] for row in table.rows[:2]] == [
        ["reference", "reference"],
        ["uiso", "0.005"],
    ]
    assert len(table.rows) == 7
    assert table.rows[0][2] == "+5.0" and table.rows[1][2] == "-5.0"
    low, high = (float(end) for end in table.rows[0][3].split(" to "))
    assert 0 < low < 5 < high < 10
    assert "200 test crystals" in table.caption and "main~1" in table.caption


def test_a_sweep_of_one_run_alone_is_left_out():
    ours = {"reference": predictions(150), "uiso": predictions(9, get_sweep("uiso"))}
    table = compare_runs(ours, {"reference": predictions(150)}, TRUTH, "before")
    assert [row[0] for row in table.rows] == ["reference"]
    assert table.rows[0][2:4] == ["+0.0", "+0.0 to +0.0"]


def test_runs_with_different_test_crystals_are_not_compared():
    other = {"reference": predictions(9, ids=IDS[::-1])}
    with pytest.raises(ValueError, match="before"):
        compare_runs({"reference": predictions(9)}, other, TRUTH, "before")


def write(folder, right):
    found = predictions(right)
    path = folder / "data" / "predictions" / "reference.zarr"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_predictions(path, found)


def test_predictions_are_read_from_the_folder_of_a_pipeline(tmp_path):
    write(tmp_path / "other", 30)
    with predictions_of_run(str(tmp_path / "other")) as found:
        assert list(found) == ["reference"]
        np.testing.assert_array_equal(found["reference"].log_p, predictions(30).log_p)


def test_predictions_are_read_from_a_revision(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*words):
        subprocess.run(words, check=True, capture_output=True)

    run("git", "init", "-q")
    run("git", "config", "user.email", "a@b.c")
    run("git", "config", "user.name", "a")
    run("dvc", "init", "-q")
    for right in (30, 60):
        write(tmp_path, right)
        run("dvc", "add", "-q", "data/predictions/reference.zarr")
        run("git", "add", "-A")
        run("git", "commit", "-qm", f"{right} right")
    (tmp_path / "away").mkdir()
    with predictions_of_run("HEAD~1") as found:
        np.testing.assert_array_equal(found["reference"].log_p, predictions(30).log_p)
    # no such revision; a revision whose data are in no cache: an error that names it
    shutil.rmtree(tmp_path / ".dvc" / "cache")
    for revision in ("HEAD~7", "HEAD"):
        with pytest.raises(ValueError, match=f"of '{revision}'"):  # noqa: SIM117
            with predictions_of_run(revision):
                pass
