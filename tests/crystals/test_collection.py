import pyarrow as pa

from gromega.crystals.collection import (
    fill_structure_types,
    summarise,
    with_formulas,
    with_source,
)
from gromega.crystals.table import write_table


def test_missing_structure_types_are_found(small_table):
    table = fill_structure_types(small_table)
    types = dict(
        zip(table["id"].to_pylist(), table["structure_type"].to_pylist(), strict=True)
    )
    assert types["nickel-0"] == "A_225_a"
    assert types["magnesium-7"] == "A_194_c"
    assert fill_structure_types(table) is table


def test_formulas_are_those_of_the_atoms(small_table):
    # as another program writes them: with spaces and brackets, or none at all
    for written in ("Ni1 O3", "Ca5(PO4)3OH", "foo bar", ""):
        column = pa.array([written] * small_table.num_rows)
        place = small_table.column_names.index("formula")
        table = with_formulas(small_table.set_column(place, "formula", column))
        assert table.equals(small_table)


def test_summary_counts(tmp_path, small_table):
    path = tmp_path / "x.parquet"
    write_table(with_source(fill_structure_types(small_table), "textbook"), path)
    summary = summarise(path)
    assert summary["crystals"] == 24
    assert summary["structure_types"] == 3
    assert summary["by_space_group"] == {"194": 8, "225": 8, "229": 8}
    assert sum(summary["by_atoms"].values()) == 24


def test_a_source_that_is_named_is_kept(small_table):
    table = with_source(with_source(small_table, "textbook"), "other")
    assert set(table["source"].to_pylist()) == {"textbook"}
