import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from damage import flip

from gromega.crystals.crystal import Crystal
from gromega.crystals.dataset import fill_structure_types
from gromega.crystals.table import (
    SCHEMA,
    crystals_of,
    new_table,
    read_table,
    row_batches,
    rows_by_id,
    rows_of,
    summarise,
    to_table,
    write_table,
    write_tables,
)


def replaced(table, name, values):
    index = table.column_names.index(name)
    return table.set_column(index, name, pa.array(values, table[name].type))


def test_round_trip_keeps_every_crystal(tmp_path, small_table):
    path = tmp_path / "crystals.parquet"
    write_table(small_table, path)
    before, after = crystals_of(small_table), crystals_of(read_table(path))
    assert [c.id for c in after] == [c.id for c in before]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one.lattice, other.lattice)
        np.testing.assert_array_equal(one.frac, other.frac)
        np.testing.assert_array_equal(one.numbers, other.numbers)


def test_same_table_is_written_as_same_bytes(tmp_path, small_table):
    write_table(small_table, tmp_path / "a")
    write_table(small_table, tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_bytes_do_not_depend_on_how_many_rows_are_added_at_a_time(
    tmp_path, small_table, monkeypatch
):
    monkeypatch.setattr("gromega.crystals.table.ROWS", 10)
    for name, step in (("a", 1), ("b", 7), ("c", 24)):
        with new_table(tmp_path / name) as write:
            for start in range(0, 24, step):
                write(small_table.slice(start, step))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_bytes() == (tmp_path / "c").read_bytes()
    assert pq.ParquetFile(tmp_path / "a").num_row_groups == 3
    assert read_table(tmp_path / "a").equals(small_table)


def test_a_table_that_is_not_finished_is_not_there(tmp_path, small_table):
    with pytest.raises(KeyboardInterrupt), new_table(tmp_path / "x") as write:
        write(small_table)
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_rows_come_some_at_a_time(tmp_path, small_table):
    write_table(small_table, tmp_path / "x")
    sizes = [batch.num_rows for batch in row_batches(tmp_path / "x", rows=9)]
    assert sizes == [9, 9, 6]


def test_columns_that_a_table_may_lack_are_read_as_empty(tmp_path, small_table):
    path = tmp_path / "foreign.parquet"
    pq.write_table(small_table.drop_columns(["structure_type", "source"]), path)
    table = read_table(path)
    assert table.schema == SCHEMA
    assert set(table["structure_type"].to_pylist()) == {""}


def test_isotopes_are_a_column_of_mass_numbers(tmp_path, small_table):
    plain = small_table.slice(0, 2)
    facts = [4 * np.eye(3), [3, 1], [[0, 0, 0], [0.5, 0.5, 0.5]]]
    deuteride = to_table([Crystal("LiD", *facts, None, [0, 2])], [221])
    # the first isotope comes late
    with new_table(tmp_path / "x") as write:
        write(plain)
        write(deuteride)
    assert pq.read_schema(tmp_path / "x").names == SCHEMA.names
    found = read_table(tmp_path / "x")
    assert found["masses"].to_pylist() == [[], [], [0, 2]]
    assert crystals_of(found)[2].nuclides.tolist() == [3, 2001]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x"]
    # a table without isotopes has no such column
    write_table(found.slice(0, 2), tmp_path / "y")
    assert "masses" not in pq.read_schema(tmp_path / "y").names
    assert crystals_of(read_table(tmp_path / "y"))[1].masses.tolist() == [0] * 4


def test_a_part_of_a_table_gives_its_crystals(small_table):
    whole, part = crystals_of(small_table), crystals_of(small_table.slice(9, 3))
    assert [c.id for c in part] == [c.id for c in whole[9:12]]
    np.testing.assert_array_equal(part[0].frac, whole[9].frac)


def test_labels_of_both_tolerances_go_into_the_table(nickel):
    table = to_table([nickel], [139], loose=[225])
    assert table["space_group"].to_pylist() == [139]
    assert table["space_group_loose"].to_pylist() == [225]


def test_float32_columns_are_read(tmp_path, small_table):
    index = small_table.column_names.index("frac")
    single = small_table["frac"].cast(pa.list_(pa.float32()))
    pq.write_table(small_table.set_column(index, "frac", single), tmp_path / "x")
    assert read_table(tmp_path / "x").schema == SCHEMA


def test_a_table_that_is_not_there_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="none"):
        read_table(tmp_path / "none.parquet")


@pytest.mark.parametrize(
    ("change", "offender"),
    [
        # a column is missing: it is named
        (lambda t: t.drop_columns(["frac"]), "frac"),
        (lambda t: t.drop_columns(["frac", "numbers"]), "numbers, frac"),
        # an id is there twice: it is named
        (
            lambda t: pa.concat_tables([t, t.slice(0, 1)]),
            "'nickel-0'.* 2",
        ),
        # a column has another type: refused
        (
            lambda t: t.set_column(0, "id", pa.array([[1.0]] * t.num_rows)),
            "type",
        ),
        # a value is empty: the column is named
        (
            lambda t: replaced(t, "space_group", [None] * t.num_rows),
            "space_group",
        ),
    ],
)
def test_bad_tables_are_refused(tmp_path, small_table, change, offender):
    path = tmp_path / "bad.parquet"
    pq.write_table(change(small_table), path)
    with pytest.raises(ValueError, match=offender):
        read_table(path)


def test_a_file_that_is_no_table_is_refused(tmp_path):
    path = tmp_path / "letter.parquet"
    path.write_text("dear reader")
    with pytest.raises(ValueError, match="letter"):
        read_table(path)


def test_atoms_that_do_not_match_are_refused(small_table):
    frac = small_table["frac"].to_pylist()
    frac[0] = frac[0][:-3]
    with pytest.raises(ValueError, match="frac"):
        crystals_of(replaced(small_table, "frac", frac))


def test_several_tables_are_written_one_after_another(tmp_path, small_table):
    write_tables([small_table.slice(0, 5), small_table.slice(5)], tmp_path / "x")
    assert read_table(tmp_path / "x").equals(small_table)


def test_rows_are_found_in_the_order_of_the_ids(small_table):
    assert rows_by_id(["a", "b", "c"], ["c", "a", "c"]).tolist() == [2, 0, 2]
    assert rows_by_id(["a"], []).dtype == np.int64
    wanted = ["magnesium-3", "nickel-1"]
    assert rows_of(small_table, np.array(wanted))["id"].to_pylist() == wanted


def test_first_absent_id_is_named():
    with pytest.raises(ValueError, match="'x'"):
        rows_by_id(["a", "b"], np.array(["b", "x", "y"]))


def test_summary_counts(tmp_path, small_table):
    path = tmp_path / "x.parquet"
    write_table(fill_structure_types(small_table), path)
    summary = summarise(path)
    assert summary["crystals"] == 24
    assert summary["structure_types"] == 3
    assert summary["by_space_group"] == {"194": 8, "225": 8, "229": 8}
    assert sum(summary["by_atoms"].values()) == 24


@pytest.mark.parametrize("share", np.linspace(0, 0.999, 60))
def test_a_flipped_byte_is_an_error_or_harmless(tmp_path, small_table, share):
    path = tmp_path / "crystals.parquet"
    write_table(small_table, path)
    flip(path, share)
    try:
        found = read_table(path)
    except ValueError as error:
        assert "crystals.parquet" in str(error)
    else:
        assert found.equals(small_table)
