import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from releasable import answer, change_json, split, train, write_pipeline

from gromega._util.files import sha256
from gromega.crystals.table import write_table
from gromega.registry import release as module
from gromega.registry.card import read_card
from gromega.registry.registry import size_of, verify
from gromega.registry.release import Statement, release
from gromega.sweeps import AXES

FIRST = Statement("spacegroup", "v1.0.0", "1 NVIDIA H100", 1.5)
ABOUT = """\
name: My crystals
version: 1
origin: My laboratory.
licence: CC-BY-4.0
citation: not published
"""


@pytest.fixture
def pipeline(tmp_path, monkeypatch):
    write_pipeline(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("pipeline")
def test_a_release_holds_the_model_and_what_the_pipeline_knows():
    path = release(FIRST)
    assert path == Path("models/spacegroup")
    assert sorted(file.name for file in path.iterdir()) == [
        "CARD.md",
        "card.json",
        "config.json",
        "weights.safetensors",
    ]
    for name in ("config.json", "weights.safetensors"):
        assert sha256(path / name) == sha256(Path("models/current") / name)
    card = verify("spacegroup")
    assert (card["hardware"], card["hours"]) == ("1 NVIDIA H100", 1.5)
    reference = card["metrics"]["reference"]
    assert (reference["top1"], reference["top6"], reference["n"]) == (0.5, 1.0, 6)
    assert list(card["metrics"]["sweeps"]) == ["qdamp"]
    assert len(card["metrics"]["sweeps"]["qdamp"]) == len(AXES["qdamp"].values)
    assert card["metrics"]["sweeps"]["qdamp"]["0.15"] == reference
    # half of them right, of which the model is sure by 0.6
    assert card["calibration"]["ece"] == pytest.approx(0.1)
    data = card["data"]
    assert data["name"] == "Synthetic crystals"
    assert data["split"] == {"scheme": "random", "seed": 7}
    assert data["structure_types"] == 3
    assert "sha256" not in card["training"]
    assert data["crystals"] == {"train": 15, "validation": 3, "test": 6, "extra": 0}
    assert data["by_space_group"]["229"] == {"train": 5, "validation": 1, "test": 2}
    assert set(data["sha256"]) == {
        "synthetic.yaml",
        "crystals.parquet",
        "split.parquet",
    }
    assert not list(Path("models").glob("*.partial"))


@pytest.mark.usefixtures("pipeline")
def test_same_inputs_make_the_same_bytes():
    first = {file.name: file.read_bytes() for file in release(FIRST).iterdir()}
    shutil.rmtree("models/spacegroup")
    again = {file.name: file.read_bytes() for file in release(FIRST).iterdir()}
    assert first == again


@pytest.mark.usefixtures("pipeline")
def test_a_card_names_no_place_on_the_disk(pipeline):
    path = release(FIRST, source=pipeline / "data" / "synthetic.yaml")
    for name in ("card.json", "CARD.md"):
        assert str(pipeline) not in (path / name).read_text("utf-8")


def test_a_version_keeps_its_content(pipeline):
    release(FIRST)
    # The same once more: nothing to refuse.
    release(FIRST)
    answer(pipeline, "reference.zarr", right=2)
    with pytest.raises(ValueError, match=r"spacegroup is v1\.0\.0 already, with ano"):
        release(FIRST)
    assert verify("spacegroup")["metrics"]["reference"]["top1"] == 0.5
    release(Statement("spacegroup", "v1.10.0"))
    assert verify("spacegroup")["metrics"]["reference"]["top1"] == 0.333333


def test_a_lower_version_does_not_take_the_place_of_a_higher_one(pipeline):
    release(Statement("spacegroup", "v1.10.0"))
    with pytest.raises(ValueError, match=r"is v1\.10\.0 already; give a higher"):
        release(Statement("spacegroup", "v1.9.9"))
    assert verify("spacegroup")["version"] == "v1.10.0"
    release(Statement("spacegroup", "v2.0.0"))
    assert verify("spacegroup")["version"] == "v2.0.0"


def test_crystals_beyond_the_split_are_counted(pipeline):
    # Not all extra crystals were fit to train on: some are those to be tested on.
    extra = pa.table({"id": [f"extra-{i}" for i in range(60)]})
    write_table(extra, Path("data/augmentation.parquet"))
    learned = ("crystals.parquet", "split.parquet", "augmentation.parquet")
    train(pipeline, learned, n_train=55)
    data = read_card(release(FIRST))["data"]
    assert data["crystals"]["extra"] == 40
    assert data["sha256"]["augmentation.parquet"] == sha256(
        Path("data/augmentation.parquet")
    )


@pytest.mark.usefixtures("pipeline")
def test_crystals_of_one_s_own_are_described_in_a_file():
    Path("about.yaml").write_text(ABOUT)
    table = Path("mine.parquet")
    table.write_bytes(b"any")
    card = read_card(release(FIRST, source=table, about=Path("about.yaml")))
    assert card["data"]["name"] == "My crystals"
    assert card["data"]["version"] == "1"
    assert card["data"]["sha256"]["mine.parquet"] == sha256(table)


def test_the_real_crystals_are_known(pipeline, shared):
    source = shared / "data" / "structures.parquet"
    of = {"structure_type": ["NaCl"] * 24, "source": [source.name] * 24}
    write_table(pa.table(of), pipeline / "data" / "crystals.parquet")
    train(pipeline)
    card = read_card(release(FIRST, source=source))
    assert card["data"]["name"] == "Materials Project"


def split_again(folder):
    """Make another split, with as many crystals in each part."""
    split(folder, ["test"] * 2 + ["validation"] + ["train"] * 5, 8)


def leave_a_sweep_behind(folder):
    """Train again, but keep what the model before answered along a sweep."""
    shutil.copytree("data/predictions/sweeps", "kept")
    train(folder, seed=5)
    shutil.copytree("kept", "data/predictions/sweeps", dirs_exist_ok=True)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        # a split of another seed, with as many crystals in each part: the model has
        # learned from those that are tested on
        (
            split_again,
            r"trained on another split\.parquet than data/split\.parquet, and may have",
        ),
        # other crystals under the same ids
        (
            lambda _: Path("data/crystals.parquet").write_bytes(b"other"),
            r"trained on another crystals\.parquet",
        ),
        # answers of another training
        (
            lambda _: change_json("models/current/config.json", note="another"),
            r"predictions/reference\.zarr: the answers are of another model; make them",
        ),
        # a sweep of another training that was left behind
        (
            leave_a_sweep_behind,
            r"predictions/sweeps/qdamp\.zarr: the answers are of another model",
        ),
        # a model that does not say what it learned from
        (
            lambda folder: train(folder, sha256={}),
            "models/current: the model does not say what it was trained on",
        ),
        # PDFs at other conditions than those of the training
        (
            lambda folder: shutil.copytree(
                folder / "data/sweeps/qdamp.zarr",
                "data/reference.zarr",
                dirs_exist_ok=True,
            ),
            r"data/reference\.zarr: the PDFs are not at the conditions",
        ),
        # answers in the place of others
        (
            lambda _: shutil.copytree(
                "data/predictions/reference.zarr", "data/predictions/sweeps/noise.zarr"
            ),
            r"noise\.zarr: .*the reference",
        ),
        # answers of which a part is lost: not taken for zeros
        (
            lambda _: shutil.rmtree("data/predictions/reference.zarr/log_p/c"),
            r"reference\.zarr.*0 of 1 files",
        ),
        # a link in the place of the folder
        (
            lambda _: Path("models/spacegroup").symlink_to("current"),
            "models/spacegroup: it is a link or a file",
        ),
        # a file that is not there: named, and how to get it
        (
            lambda _: shutil.rmtree("data/predictions"),
            r"reference\.zarr: there is no store; make it with 'dvc repro'",
        ),
        (
            lambda _: Path("data/split.parquet").unlink(),
            r"split\.parquet: there is no such file; run 'dvc repro'",
        ),
        # no model there: how to get one
        (lambda _: shutil.rmtree("models/current"), r"no config\.json"),
        # a model that does not say its recipe: where in the card
        (lambda folder: train(folder, recipe=""), r"\$\.training\.recipe"),
    ],
)
def test_what_does_not_belong_together_is_not_released(pipeline, harm, message):
    harm(pipeline)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        release(FIRST)
    made = [p for p in Path("models").iterdir() if not p.is_symlink()]
    assert [p.name for p in made if p.name != "current"] == []


def test_answers_to_other_crystals_are_not_those_of_the_test_part(pipeline):
    train(pipeline, ["crystals.parquet"])
    split_again(pipeline)
    with pytest.raises(ValueError, match="the answers are to another test part"):
        release(FIRST)


@pytest.mark.usefixtures("pipeline")
def test_a_failed_release_leaves_the_last_one():
    release(FIRST)
    change_json("models/current/config.json", note="another")
    with pytest.raises(ValueError, match="of another model"):
        release(Statement("spacegroup", "v1.1.0"))
    assert verify("spacegroup")["version"] == "v1.0.0"


@pytest.mark.usefixtures("pipeline")
def test_a_model_too_large_for_the_tree_is_refused(monkeypatch):
    size = size_of(release(FIRST))
    shutil.rmtree("models/spacegroup")
    monkeypatch.setattr(module, "LIMIT", size)
    with pytest.raises(ValueError, match="must be below"):
        release(FIRST)
    monkeypatch.setattr(module, "LIMIT", size + 1)
    release(FIRST)


@pytest.mark.parametrize(
    ("source", "about", "message"),
    [
        # a table nobody has described: how to do so
        ("mine.parquet", None, r"--about FILE\.yaml"),
        # a folder of files: likewise
        ("cifs", None, r"--about FILE\.yaml"),
        # a description that lacks keys: which it needs
        ("mine.parquet", "name: mine", "the keys name, version, origin"),
        # a description that is not YAML: said
        ("mine.parquet", "[", "not valid YAML"),
    ],
)
@pytest.mark.usefixtures("pipeline")
def test_crystals_of_unknown_origin_are_refused(source, about, message):
    Path("mine.parquet").write_bytes(b"any")
    file = None
    if about:
        file = Path("about.yaml")
        file.write_text(about)
    with pytest.raises(ValueError, match=message):
        release(FIRST, source=Path(source), about=file)


def test_a_source_that_the_crystals_are_not_from_is_refused(pipeline):
    made = pa.table({"id": ["a"], "source": ["structures.parquet"]})
    write_table(made, Path("data/crystals.parquet"))
    train(pipeline)
    with pytest.raises(ValueError, match=r"were not made from .*--source"):
        release(FIRST)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        # a name that is a path: refused
        (("../other", "v1.0.0"), "lower-case letters"),
        # the names of the pipeline's model and of the remote: refused
        (("current", "v1.0.0"), "no model can be released as 'current'"),
        (("registry", "v1.0.0"), "no model can be released as 'registry'"),
        (("trained", "v1.0.0"), "no model can be released as 'trained'"),
        # a version without v, or with two numbers: how to write it
        (("spacegroup", "1.0.0"), r"written as v1\.0\.0"),
        (("spacegroup", "v1.0"), r"written as v1\.0\.0"),
        # hardware over several lines, which a card would show as it is
        (("spacegroup", "v1.0.0", "a\nb"), "in one line of plain text"),
        # time that did not pass: refused
        (("spacegroup", "v1.0.0", None, 0.0), "hours must be above 0"),
        (("spacegroup", "v1.0.0", None, np.nan), "hours must be above 0"),
    ],
)
def test_statements_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        Statement(*arguments)


def test_crystals_that_another_radiation_does_not_see_do_not_count_there(pipeline):
    answer(pipeline, "sweeps/radiation.zarr", unseen=1)
    release(FIRST)
    scores = verify("spacegroup")["metrics"]["sweeps"]["radiation"]
    assert [score["n"] for score in scores.values()] == [6, 5]


def test_what_a_known_composition_is_worth_is_released_too(pipeline):
    answer(pipeline, "reference.zarr", told=4)
    release(FIRST)
    metrics = verify("spacegroup")["metrics"]
    assert metrics["with_composition"]["top1"] == 0.666667
    assert metrics["reference"]["top1"] == 0.5
    assert "with_composition" not in metrics["reference"]
