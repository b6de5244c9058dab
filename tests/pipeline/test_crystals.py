import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from files import cif

from gromega.crystals.table import read_table, write_table


def test_a_table_is_a_source(inside):
    table = read_table(Path("data/crystals.parquet"))
    types = {"A_194_c", "A_225_a", "A_229_a"}
    assert set(table["structure_type"].to_pylist()) == types
    assert set(table["source"].to_pylist()) == {"crystals.parquet"}
    assert Path("data/quarantine.csv").read_text() == "file,block,reason,detail\n"
    summary = json.loads(Path("data/crystals.json").read_text())
    assert summary["by_space_group"] == {"194": 8, "225": 8, "229": 8}
    counts = json.loads(Path("metrics/crystals.json").read_text())
    assert counts == {
        "crystals": 24, "space_groups": 3, "structure_types": 3, "formulas": 3
    }  # fmt: skip


def test_by_default_there_are_no_augmentation_crystals(inside):
    assert read_table(Path("data/augmentation.parquet")).num_rows == 0


def test_a_collection_of_files_is_a_source(new_project, run, capsys):
    new_project(crystals={"source": "cifs"})
    Path("cifs").mkdir()
    for k in range(4):
        Path(f"cifs/{k}.cif").write_text(cif(a=f"{5 + 0.3 * k}"))
    Path("cifs/again.cif").write_text(cif(a="5.31"))
    run("crystals")
    table = read_table(Path("data/crystals.parquet"))
    assert table["source"].to_pylist() == ["0.cif", "1.cif", "2.cif", "3.cif"]
    quarantine = Path("data/quarantine.csv").read_text()
    assert "again.cif,halite,duplicate" in quarantine
    summary = json.loads(Path("data/crystals.json").read_text())
    assert sum(summary["ingest"]["refused"].values()) == 1
    assert "5 files" in capsys.readouterr().err
    assert not Path("data/gathered.parquet").exists()


def test_a_recipe_of_synthetic_crystals_is_a_source(new_project, run):
    new_project(crystals={"source": "few.yaml"})
    recipe = "space_groups: [2, 225]\ncrystals_per_group: 3\nseed: 0\n"
    Path("few.yaml").write_text(recipe)
    run("crystals")
    table = read_table(Path("data/crystals.parquet"))
    assert sorted(np.asarray(table["space_group"])) == [2, 2, 2, 225, 225, 225]


@pytest.mark.parametrize("source", ["x.parquet", "params.yaml.txt"])
def test_a_missing_or_unknown_source_is_named(new_project, run, source):
    new_project(crystals={"source": source})
    Path("params.yaml.txt").write_text("x")
    with pytest.raises((ValueError, FileNotFoundError), match=source):
        run("crystals")


def test_crystals_without_a_scattering_length_are_left_out(
    new_project, run, small_table, capsys
):
    # actinium has no neutron scattering length
    new_project(crystals={"source": "c.parquet"}, reference={"radiation": "neutron"})
    numbers = small_table["numbers"].to_pylist()
    numbers[0] = [89] * len(numbers[0])
    index = small_table.column_names.index("numbers")
    column = pa.array(numbers, small_table["numbers"].type)
    write_table(small_table.set_column(index, "numbers", column), Path("c.parquet"))
    run("crystals")
    assert read_table(Path("data/crystals.parquet")).num_rows == 23
    assert "neutron" in capsys.readouterr().err


def test_augmentation_crystals_are_not_observed_or_synthetic(inside_robust):
    table = read_table(Path("data/augmentation.parquet"))
    sources = table["source"].to_pylist()
    assert sources == ["crystals.parquet"] * 24 + ["synthetic"] * 6
    assert "" not in table["structure_type"].to_pylist()


def test_crystals_of_other_groups_are_kept_apart(inside_robust):
    others = read_table(Path("data/other_groups.parquet"))
    assert others["id"].to_pylist() == [f"other {k}" for k in range(5)]
