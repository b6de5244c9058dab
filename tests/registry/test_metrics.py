import shutil
from pathlib import Path

import pytest
from releasable import change_json, novelty_scores, predict, split, train

from gromega.conditions import REFERENCE
from gromega.model.io import hashes_of
from gromega.registry.release import score_predictions
from gromega.sweeps import AXES

DATA = Path("data")


def metrics():
    return score_predictions(DATA, REFERENCE, hashes_of(Path("models/current")))


@pytest.mark.usefixtures("pipeline")
def test_the_reference_and_every_sweep_are_scored():
    found = metrics()
    reference = found["reference"]
    assert (reference["top1"], reference["top6"], reference["n"]) == (0.5, 1.0, 6)
    assert list(found["sweeps"]) == ["qdamp"]
    assert len(found["sweeps"]["qdamp"]) == len(AXES["qdamp"].values)
    assert found["sweeps"]["qdamp"]["0.15"] == reference
    assert found["novelty"]["reference"]["without_composition"] == novelty_scores()


def test_accuracies_with_the_composition_are_a_block_of_their_own(pipeline):
    predict(pipeline, "reference.zarr", with_composition=4)
    found = metrics()
    assert found["with_composition"]["top1"] == 0.666667
    assert found["reference"]["top1"] == 0.5
    assert "with_composition" not in found["reference"]


def test_crystals_without_a_pdf_do_not_count(pipeline):
    predict(pipeline, "sweeps/radiation.zarr", invalid=1)
    scores = metrics()["sweeps"]["radiation"]
    assert [score["n"] for score in scores.values()] == [6, 5]


def keep_old_sweep(folder):
    """Train again, but keep the predictions of the previous model along a sweep."""
    shutil.copytree("data/predictions/sweeps", "kept")
    train(folder, seed=5)
    shutil.copytree("kept", "data/predictions/sweeps", dirs_exist_ok=True)


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        # predictions of another model at the reference, or along a sweep
        (
            lambda _: change_json("models/current/config.json", note="another"),
            r"predictions/reference\.zarr.*model",
        ),
        (keep_old_sweep, r"predictions/sweeps/qdamp\.zarr.*model"),
        # scores by novelty of another model
        (
            lambda _: change_json("data/predictions/novelty.json", model={}),
            r"novelty\.json.*model",
        ),
        # predictions for another test part
        (
            lambda folder: split(
                folder, ["test"] * 2 + ["validation"] + ["train"] * 5, 8
            ),
            r"predictions/reference\.zarr.*test part",
        ),
        # PDFs at other conditions than those of the training
        (
            lambda _: shutil.copytree(
                "data/sweeps/qdamp.zarr", "data/reference.zarr", dirs_exist_ok=True
            ),
            r"data/reference\.zarr",
        ),
        # predictions at the reference under the name of a sweep
        (
            lambda _: shutil.copytree(
                "data/predictions/reference.zarr", "data/predictions/sweeps/noise.zarr"
            ),
            r"noise\.zarr",
        ),
        # incomplete predictions
        (
            lambda _: shutil.rmtree("data/predictions/reference.zarr/log_p/c"),
            r"reference\.zarr.*log_p",
        ),
    ],
)
def test_other_predictions_are_not_scored(pipeline, harm, named):
    harm(pipeline)
    with pytest.raises(ValueError, match=named):
        metrics()
