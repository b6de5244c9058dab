import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from releasable import SCORE, TRAINING, change_json, write_pipeline

from gromega.crystals.table import write_table
from gromega.models import release as module
from gromega.models.card import read_card, sha256
from gromega.models.registry import size_of, verify
from gromega.models.release import Statement, release

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
    assert card["metrics"]["reference"]["top6"] == 1.0
    assert list(card["metrics"]["sweeps"]["qdamp"]) == ["0.00", "0.15"]
    assert card["calibration"]["ece"] == 0.04
    data = card["data"]
    assert data["name"] == "Synthetic crystals"
    assert data["split"] == {"scheme": "random", "seed": 7}
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


@pytest.mark.usefixtures("pipeline")
def test_a_version_keeps_its_content():
    release(FIRST)
    # The same once more: nothing to refuse.
    release(FIRST)
    change_json("metrics/reference.json", top1=0.25)
    with pytest.raises(ValueError, match=r"spacegroup is v1\.0\.0 already"):
        release(FIRST)
    assert verify("spacegroup")["metrics"]["reference"]["top1"] == 0.5
    release(Statement("spacegroup", "v1.1.0"))
    assert verify("spacegroup")["metrics"]["reference"]["top1"] == 0.25


@pytest.mark.usefixtures("pipeline")
def test_crystals_beyond_the_split_are_counted():
    training = {**TRAINING, "n_train": 55}
    change_json("models/current/config.json", training=training)
    change_json("metrics/train.json", n_train=55)
    with pytest.raises(
        ValueError, match=r"trained on 55 .* 15 to train on and 0 extra"
    ):
        release(FIRST)
    # Not all extra crystals were fit to train on: some are those to be tested on.
    extra = pa.table({"id": [f"extra-{i}" for i in range(60)]})
    write_table(extra, Path("data/extra.parquet"))
    assert read_card(release(FIRST))["data"]["crystals"]["extra"] == 40


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
    ids = [f"{i}" for i in range(24)]
    made = pa.table({"id": ids, "source": [source.name] * 24})
    write_table(made, pipeline / "data" / "crystals.parquet")
    card = read_card(release(FIRST, source=source))
    assert card["data"]["name"] == "Materials Project"


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        # metrics of another training: the fact that differs
        (
            lambda: change_json("metrics/train.json", best_epoch=3),
            r"train\.json: best_epoch is 3, but 28 in the model",
        ),
        # scores of another test part: both numbers
        (
            lambda: change_json("metrics/reference.json", n=900),
            r"reference\.json: scores of 900 crystals, but 6 are to be tested on",
        ),
        # a sweep of another run that was left behind: which
        (
            lambda: change_json("metrics/sweeps/qdamp.json", x={**SCORE, "n": 900}),
            r"sweeps/qdamp\.json: scores of 6, 900 crystals",
        ),
        # a model of another split: both numbers
        (
            lambda: change_json(
                "models/current/config.json", training={**TRAINING, "n_train": 99}
            ),
            "trained on 99 crystals, but data has 15",
        ),
        # a file that is not there: named, and how to get it
        (
            lambda: Path("metrics/reference.json").unlink(),
            r"reference\.json: there is no such file; run 'dvc repro'",
        ),
        (
            lambda: Path("data/split.parquet").unlink(),
            r"split\.parquet: there is no such file",
        ),
        # not JSON: said
        (lambda: Path("metrics/train.json").write_text("{"), "not JSON"),
        (lambda: Path("metrics/train.json").write_text("[]"), "has no names"),
        # no model there: how to get one
        (lambda: shutil.rmtree("models/current"), r"no config\.json"),
        # scores that are none: where in the card
        (
            lambda: change_json("metrics/reference.json", top1=None),
            r"\$\.metrics\.reference: 'top1' is a required",
        ),
        # a model that does not say its recipe: likewise
        (
            lambda: change_json(
                "models/current/config.json", training={**TRAINING, "recipe": ""}
            ),
            r"\$\.training\.recipe",
        ),
    ],
)
@pytest.mark.usefixtures("pipeline")
def test_what_does_not_belong_together_is_not_released(harm, message):
    harm()
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        release(FIRST)
    assert [p.name for p in Path("models").iterdir() if p.name != "current"] == []


@pytest.mark.usefixtures("pipeline")
def test_a_failed_release_leaves_the_last_one():
    release(FIRST)
    change_json("metrics/reference.json", n=900)
    with pytest.raises(ValueError, match="scores of 900"):
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


@pytest.mark.usefixtures("pipeline")
def test_a_source_that_the_crystals_are_not_from_is_refused():
    made = pa.table({"id": ["a"], "source": ["structures.parquet"]})
    write_table(made, Path("data/crystals.parquet"))
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
        # time that did not pass: refused
        (("spacegroup", "v1.0.0", None, 0.0), "hours must be above 0"),
        (("spacegroup", "v1.0.0", None, np.nan), "hours must be above 0"),
    ],
)
def test_statements_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        Statement(*arguments)


@pytest.mark.usefixtures("pipeline")
def test_crystals_that_another_radiation_does_not_see_do_not_count_there():
    scores = {"xray": SCORE, "neutron": {**SCORE, "n": 5}}
    Path("metrics/sweeps/radiation.json").write_text(json.dumps(scores))
    release(FIRST)
    card = verify("spacegroup")
    assert card["metrics"]["sweeps"]["radiation"]["neutron"]["n"] == 5


@pytest.mark.usefixtures("pipeline")
def test_what_a_known_composition_is_worth_is_released_too():
    reference = Path("metrics/reference.json")
    told = {**SCORE, "top1": 0.75}
    change_json(reference, with_composition=told)
    release(FIRST)
    metrics = verify("spacegroup")["metrics"]
    assert metrics["with_composition"] == told
    assert metrics["reference"] == {**SCORE, "ece": 0.04}
    # of other crystals: refused
    change_json(reference, with_composition={**told, "n": 5})
    shutil.rmtree("models/spacegroup")
    with pytest.raises(ValueError, match="scores of 5, 6 crystals"):
        release(FIRST)
