from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from gromega.crystals.crystal import Crystal
from gromega.crystals.table import to_table, write_table
from gromega.lake.splits import PARTS, read_part

N = 120


def write_crystals(column, values):
    crystal = Crystal("x", 4 * np.eye(3), [11], [[0, 0, 0]])
    crystals = [replace(crystal, id=f"c{k}") for k in range(N)]
    table = to_table(crystals, [221] * N)
    index = table.column_names.index(column)
    path = Path("data/crystals.parquet")
    write_table(table.set_column(index, column, pa.array(values)), path)


def parts():
    return {
        name: part
        for part in PARTS
        for name in read_part(Path("data/split.parquet"), part)[0]
    }


@pytest.mark.parametrize(
    ("scheme", "column"),
    [("formula", "formula"), ("structure-type", "structure_type")],
)
def test_crystals_of_one_key_are_in_one_part(
    new_project, run, generator, scheme, column
):
    new_project(split={"scheme": scheme})
    kinds = [f"kind {k}" for k in generator.integers(0, 30, N)]
    write_crystals(column, kinds)
    run("split")
    part = parts()
    assert len(part) == N
    for kind in set(kinds):
        assert len({part[f"c{k}"] for k in range(N) if kinds[k] == kind}) == 1


def test_the_shares_are_those_of_the_parameters(new_project, run, capsys):
    new_project(split={"test": 0.5, "validation": 0.25})
    write_crystals("formula", ["A"] * N)
    run("split")
    found = list(parts().values())
    assert [found.count(part) for part in PARTS] == [45, 15, 60]
    assert "45 train, 15 validation, 60 test" in capsys.readouterr().err
