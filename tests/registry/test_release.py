import shutil
from pathlib import Path

import numpy as np
import pytest
from releasable import change_json, predict, split, train

from gromega._util.files import sha256
from gromega._util.manifest import check_manifest
from gromega.registry import release as module
from gromega.registry.registry import size_of, verify
from gromega.registry.release import ReleaseInfo, release

FIRST = ReleaseInfo("spacegroup", "v1.0.0", "1 NVIDIA H100", 1.5)


@pytest.mark.usefixtures("pipeline")
def test_a_release_has_the_files_of_the_model_and_its_card():
    path = release(FIRST)
    assert path == Path("models/spacegroup")
    assert sorted(file.name for file in path.iterdir()) == [
        "CARD.md",
        "card.json",
        "config.json",
        "manifest.json",
        "params.yaml",
        "split.parquet",
        "weights.safetensors",
    ]
    assert sha256(path / "split.parquet") == sha256(Path("data/split.parquet"))
    check_manifest(path)
    for name in ("config.json", "weights.safetensors"):
        assert sha256(path / name) == sha256(Path("models/current") / name)
    assert not list(Path("models").glob("*.partial"))


@pytest.mark.usefixtures("pipeline")
def test_a_card_has_stated_facts_data_and_accuracies():
    release(FIRST)
    card = verify("spacegroup")
    assert (card["hardware"], card["hours"]) == ("1 NVIDIA H100", 1.5)
    assert card["metrics"]["reference"]["top1"] == 0.5
    # half are correct, all at a confidence of 0.6
    assert card["calibration"]["ece"] == pytest.approx(0.1)
    assert card["data"]["name"] == "Synthetic crystals"
    assert "sha256" not in card["training"]


@pytest.mark.usefixtures("pipeline")
def test_the_same_inputs_make_the_same_bytes():
    first = {file.name: file.read_bytes() for file in release(FIRST).iterdir()}
    shutil.rmtree("models/spacegroup")
    again = {file.name: file.read_bytes() for file in release(FIRST).iterdir()}
    assert first == again


def test_a_card_contains_no_path_of_the_machine(pipeline):
    path = release(FIRST, source=pipeline / "data" / "synthetic.yaml")
    for name in ("card.json", "CARD.md"):
        assert str(pipeline) not in (path / name).read_text("utf-8")


def test_a_version_keeps_its_content(pipeline):
    release(FIRST)
    # the same content once more is allowed
    release(FIRST)
    predict(pipeline, "reference.zarr", right=2)
    with pytest.raises(ValueError, match=r"v1\.0\.0"):
        release(FIRST)
    assert verify("spacegroup")["metrics"]["reference"]["top1"] == 0.5
    release(ReleaseInfo("spacegroup", "v1.10.0"))
    assert verify("spacegroup")["metrics"]["reference"]["top1"] == 0.333333


@pytest.mark.usefixtures("pipeline")
def test_a_lower_version_does_not_replace_a_higher_one():
    release(ReleaseInfo("spacegroup", "v1.10.0"))
    with pytest.raises(ValueError, match=r"v1\.10\.0"):
        release(ReleaseInfo("spacegroup", "v1.9.9"))
    assert verify("spacegroup")["version"] == "v1.10.0"
    release(ReleaseInfo("spacegroup", "v2.0.0"))
    assert verify("spacegroup")["version"] == "v2.0.0"


def split_again(_):
    """Make another split, with as many crystals in each part."""
    split(Path(), ["test"] * 2 + ["validation"] + ["train"] * 5, 8)


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        # another split: the model was trained on test crystals
        (split_again, r"split\.parquet"),
        # other crystals with the same ids
        (
            lambda _: Path("data/crystals.parquet").write_bytes(b"other"),
            r"crystals\.parquet",
        ),
        # predictions of another model
        (
            lambda _: change_json("models/current/config.json", note="another"),
            r"predictions/reference\.zarr",
        ),
        # a model that does not state the files of its training
        (lambda folder: train(folder, sha256={}), "models/current"),
        # a link in place of the folder
        (
            lambda _: Path("models/spacegroup").symlink_to("current"),
            "models/spacegroup",
        ),
        # missing files
        (lambda _: shutil.rmtree("data/predictions"), r"reference\.zarr"),
        (lambda _: Path("data/split.parquet").unlink(), r"split\.parquet"),
        (lambda _: shutil.rmtree("models/current"), r"config\.json"),
        # a model without a recipe: the place in the card
        (lambda folder: train(folder, recipe=""), r"\$\.training\.recipe"),
    ],
)
def test_parts_that_do_not_belong_together_are_not_released(pipeline, harm, named):
    harm(pipeline)
    with pytest.raises((ValueError, FileNotFoundError), match=named):
        release(FIRST)
    folders = [p.name for p in Path("models").iterdir() if not p.is_symlink()]
    assert [name for name in folders if name != "current"] == []


@pytest.mark.usefixtures("pipeline")
def test_a_failed_release_keeps_the_previous_one():
    release(FIRST)
    change_json("models/current/config.json", note="another")
    with pytest.raises(ValueError, match=r"reference\.zarr"):
        release(ReleaseInfo("spacegroup", "v1.1.0"))
    assert verify("spacegroup")["version"] == "v1.0.0"


@pytest.mark.usefixtures("pipeline")
def test_a_released_model_is_below_the_limit(monkeypatch):
    size = size_of(release(FIRST))
    shutil.rmtree("models/spacegroup")
    monkeypatch.setattr(module, "LIMIT", size)
    with pytest.raises(ValueError, match="models/current"):
        release(FIRST)
    monkeypatch.setattr(module, "LIMIT", size + 1)
    release(FIRST)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        # a path as a name
        (("../other", "v1.0.0"), r"\.\./other"),
        # the names of other folders
        (("current", "v1.0.0"), "current"),
        (("registry", "v1.0.0"), "registry"),
        (("trained", "v1.0.0"), "trained"),
        # a version without v, or of two numbers
        (("spacegroup", "1.0.0"), r"'1\.0\.0'"),
        (("spacegroup", "v1.0"), r"'v1\.0'"),
        # hardware in two lines
        (("spacegroup", "v1.0.0", "a\nb"), r"'a\\nb'"),
        # impossible times
        (("spacegroup", "v1.0.0", None, 0.0), "got 0"),
        (("spacegroup", "v1.0.0", None, np.nan), "got nan"),
    ],
)
def test_stated_facts_are_checked(arguments, named):
    with pytest.raises(ValueError, match=named):
        ReleaseInfo(*arguments)
