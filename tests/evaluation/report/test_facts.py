import pyarrow as pa
import pytest

from gromega.crystals.table import write_table
from gromega.evaluation.report.facts import read_facts
from gromega.lake.splits import write_split


@pytest.fixture
def facts(small_table, tmp_path):
    """Eight crystals of each of three groups, two of each for tests."""
    # nickel and iron have types; the type of magnesium is not known
    types = ["A_225_a"] * 8 + ["A_229_a"] * 8 + [""] * 8
    column = small_table.column_names.index("structure_type")
    table = small_table.set_column(column, "structure_type", pa.array(types))
    write_table(table, tmp_path / "crystals.parquet")
    parts = ["train"] * 5 + ["validation"] + ["test"] * 2
    # another order than that of the table
    ids, groups = table["id"].to_pylist()[::-1], table["space_group"].to_pylist()[::-1]
    split = tmp_path / "split.parquet"
    write_split(split, ids, groups, parts * 3, "random", 0)
    return read_facts(tmp_path / "crystals.parquet", split, "random", "mine.parquet")


def test_facts_are_those_of_the_test_part(facts):
    assert facts.space_groups.tolist() == [194, 194, 229, 229, 225, 225]
    assert facts.atoms.tolist() == [2, 2, 2, 2, 4, 4]
    assert facts.n_train.tolist() == [5, 5, 5]
    assert (facts.scheme, facts.source) == ("random", "mine.parquet")


def test_an_unknown_structure_type_is_shared_by_no_crystals(facts):
    assert facts.isostructural.tolist() == [0, 0, 5, 5, 5, 5]
