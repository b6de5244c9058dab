from pathlib import Path

import pyarrow as pa
import pytest
from releasable import split

from gromega._util.files import sha256
from gromega.crystals.table import write_table
from gromega.registry.training_data import describe_training_data

DATA = Path("data")
SYNTHETIC = DATA / "synthetic.yaml"
HASHES = {"crystals.parquet": "0" * 64, "split.parquet": "1" * 64}
DESCRIPTION = """\
name: My crystals
version: 1
origin: My laboratory.
licence: CC-BY-4.0
citation: not published
"""


def describe(source=SYNTHETIC, description=None, n_train=15):
    return describe_training_data(DATA, source, description, n_train, HASHES)


@pytest.mark.usefixtures("pipeline")
def test_crystals_are_counted_by_part_group_and_type():
    block = describe()
    assert block["name"] == "Synthetic crystals"
    assert block["split"] == {"scheme": "random", "seed": 7}
    assert block["structure_types"] == 3
    assert block["crystals"] == {
        "train": 15, "validation": 3, "test": 6, "augmentation": 0
    }  # fmt: skip
    assert list(block["by_space_group"]) == ["194", "225", "229"]
    assert block["by_space_group"]["229"] == {"train": 5, "validation": 1, "test": 2}


def test_parts_of_another_split_are_counted_anew(pipeline):
    split(pipeline, ["train"] * 4 + ["validation"] * 3 + ["test"], 9)
    block = describe(n_train=12)
    assert block["split"]["seed"] == 9
    assert block["crystals"]["validation"] == 9


@pytest.mark.usefixtures("pipeline")
def test_training_crystals_beyond_the_split_are_augmentation():
    assert describe(n_train=55)["crystals"]["augmentation"] == 40


@pytest.mark.usefixtures("pipeline")
def test_hashes_are_those_of_the_source_and_of_the_training():
    assert describe()["sha256"] == {"synthetic.yaml": sha256(SYNTHETIC), **HASHES}


@pytest.mark.usefixtures("pipeline")
def test_an_own_source_is_described_in_a_file():
    Path("about.yaml").write_text(DESCRIPTION)
    table = Path("mine.parquet")
    table.write_bytes(b"any")
    block = describe(table, Path("about.yaml"))
    assert (block["name"], block["version"]) == ("My crystals", "1")
    assert block["sha256"]["mine.parquet"] == sha256(table)


@pytest.mark.usefixtures("pipeline")
def test_the_materials_project_is_a_known_source(shared):
    source = shared / "data" / "structures.parquet"
    columns = {"structure_type": ["NaCl"] * 24, "source": [source.name] * 24}
    write_table(pa.table(columns), DATA / "crystals.parquet")
    assert describe(source)["name"] == "Materials Project"


@pytest.mark.parametrize(
    ("source", "description", "named"),
    [
        # an undescribed table, or folder
        ("mine.parquet", None, r"mine\.parquet.*--about"),
        ("cifs", None, r"cifs.*--about"),
        # a description with other keys, or none
        ("mine.parquet", "name: mine", r"about\.yaml.*\['name'\]"),
        ("mine.parquet", "text", r"about\.yaml.*text"),
        # a description that is not YAML
        ("mine.parquet", "[", r"about\.yaml.*YAML"),
    ],
)
@pytest.mark.usefixtures("pipeline")
def test_an_unknown_source_needs_a_description(source, description, named):
    Path("mine.parquet").write_bytes(b"any")
    file = None
    if description:
        file = Path("about.yaml")
        file.write_text(description)
    with pytest.raises(ValueError, match=named):
        describe(Path(source), file)


@pytest.mark.usefixtures("pipeline")
def test_the_source_must_be_that_of_the_crystals():
    table = pa.table({"id": ["a"], "source": ["structures.parquet"]})
    write_table(table, DATA / "crystals.parquet")
    with pytest.raises(ValueError, match=r"synthetic\.yaml.*--source"):
        describe()
