import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gromega.crystals.table import (
    SCHEMA,
    choose,
    crystals_of,
    new_table,
    read_table,
    row_batches,
    to_table,
    write_table,
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


def test_most_populated_groups_are_chosen(small_table):
    # group 229 has one crystal more than the others once one is taken from each
    groups = np.asarray(small_table["space_group"])
    keep = np.ones(groups.size, bool)
    keep[np.flatnonzero(groups == 194)[:2]] = False
    keep[np.flatnonzero(groups == 225)[:1]] = False
    table = small_table.filter(pa.array(keep))
    chosen = table.filter(pa.array(choose(table, groups=2)))
    assert set(np.asarray(chosen["space_group"])) == {229, 225}
    assert chosen.num_rows == 15


def test_crystals_whose_tolerances_disagree_are_left_out(small_table):
    loose = small_table["space_group_loose"].to_pylist()
    loose[3] = 1
    table = replaced(small_table, "space_group_loose", loose)
    ids = table.filter(pa.array(choose(table)))["id"].to_pylist()
    assert len(ids) == 23
    assert table["id"][3].as_py() not in ids


def test_theoretical_crystals_are_left_out_unless_asked_for(small_table):
    observed = [row % 2 == 0 for row in range(small_table.num_rows)]
    table = replaced(small_table, "observed", observed)
    assert choose(table).sum() == 12
    assert choose(table, observed=False).sum() == 24


@pytest.mark.parametrize("group", [0, 231, -1, 300])
def test_space_groups_that_are_none_are_refused_by_name(small_table, group):
    labels = [*small_table["space_group"].to_pylist()[:-1], group]
    table = replaced(small_table, "space_group", labels)
    name = small_table["id"][-1].as_py()
    with pytest.raises(ValueError, match=f"of '{name}' is {group}, but they are 1 to"):
        choose(table)


def test_a_table_that_is_not_there_is_said(tmp_path):
    with pytest.raises(
        FileNotFoundError, match="there is no such file; run 'dvc repro'"
    ):
        read_table(tmp_path / "none.parquet")


def test_nothing_left_is_said(small_table):
    table = replaced(small_table, "observed", [False] * small_table.num_rows)
    with pytest.raises(ValueError, match=r"no crystal is left.*marked as observed"):
        choose(table)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        # a column is missing: it is named
        (lambda t: t.drop_columns(["frac"]), "the table lacks the column frac"),
        (
            lambda t: t.drop_columns(["frac", "numbers"]),
            "the table lacks the columns numbers, frac",
        ),
        # an id is there twice: it is named
        (
            lambda t: pa.concat_tables([t, t.slice(0, 1)]),
            "the id 'nickel-0' is there 2",
        ),
        # a column has another type: refused
        (
            lambda t: t.set_column(0, "id", pa.array([[1.0]] * t.num_rows)),
            "a column has another type",
        ),
        # a value is empty: the column is named
        (
            lambda t: replaced(t, "space_group", [None] * t.num_rows),
            "the column space_group has empty values",
        ),
    ],
)
def test_bad_tables_are_refused(tmp_path, small_table, change, message):
    path = tmp_path / "bad.parquet"
    pq.write_table(change(small_table), path)
    with pytest.raises(ValueError, match=message):
        read_table(path)


def test_a_file_that_is_no_table_is_refused(tmp_path):
    path = tmp_path / "letter.parquet"
    path.write_text("dear reader")
    with pytest.raises(ValueError, match=r"letter\.parquet: not a readable parquet"):
        read_table(path)


def test_atoms_that_do_not_match_are_refused(small_table):
    frac = small_table["frac"].to_pylist()
    frac[0] = frac[0][:-3]
    with pytest.raises(ValueError, match="frac does not match the column numbers"):
        crystals_of(replaced(small_table, "frac", frac))


def test_real_table_gives_the_data_set_of_the_paper(shared):
    columns = ["id", "space_group", "space_group_loose", "observed"]
    table = read_table(shared / "data" / "structures.parquet", columns)
    groups = np.asarray(table["space_group"])[choose(table)]
    _, counts = np.unique(groups, return_counts=True)
    assert (groups.size, counts.size, counts.min()) == (42193, 45, 251)
