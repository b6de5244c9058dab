"""The data set: which crystals it holds, and which are set beside it."""

import numpy as np
import pyarrow as pa
import pytest

from gromega.crystals.dataset import (
    choose_dataset,
    fill_structure_types,
    labelled_rows,
    select_crystals,
    selected_rows,
    synthetic_augmentation,
)
from gromega.crystals.generate.synthetic import synthesize_one
from gromega.crystals.table import crystals_of, read_table, write_table

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:spglib")


def replaced(table, name, values):
    index = table.column_names.index(name)
    return table.set_column(index, name, pa.array(values, table[name].type))


def test_most_populated_groups_are_chosen(small_table):
    # group 229 has one crystal more than the others once one is taken from each
    groups = np.asarray(small_table["space_group"])
    keep = np.ones(groups.size, bool)
    keep[np.flatnonzero(groups == 194)[:2]] = False
    keep[np.flatnonzero(groups == 225)[:1]] = False
    table = small_table.filter(pa.array(keep))
    chosen = table.filter(pa.array(choose_dataset(table, groups=2)))
    assert set(np.asarray(chosen["space_group"])) == {229, 225}
    assert chosen.num_rows == 15


def test_crystals_whose_tolerances_disagree_are_left_out(small_table):
    loose = small_table["space_group_loose"].to_pylist()
    loose[3] = 1
    table = replaced(small_table, "space_group_loose", loose)
    ids = table.filter(pa.array(choose_dataset(table)))["id"].to_pylist()
    assert len(ids) == 23
    assert table["id"][3].as_py() not in ids


def test_theoretical_crystals_are_left_out_unless_asked_for(small_table):
    observed = [row % 2 == 0 for row in range(small_table.num_rows)]
    table = replaced(small_table, "observed", observed)
    assert choose_dataset(table).sum() == 12
    assert choose_dataset(table, observed=False).sum() == 24


@pytest.mark.parametrize("group", [0, 231, -1, 300])
def test_space_groups_that_are_none_are_refused_by_name(small_table, group):
    labels = [*small_table["space_group"].to_pylist()[:-1], group]
    table = replaced(small_table, "space_group", labels)
    name = small_table["id"][-1].as_py()
    with pytest.raises(ValueError, match=f"'{name}'.* {group}"):
        choose_dataset(table)


def test_nothing_left_is_said(small_table):
    table = replaced(small_table, "observed", [False] * small_table.num_rows)
    with pytest.raises(ValueError, match="observed"):
        choose_dataset(table)


def test_real_table_gives_the_data_set_of_the_paper(shared):
    columns = ["id", "space_group", "space_group_loose", "observed"]
    table = read_table(shared / "data" / "structures.parquet", columns)
    groups = np.asarray(table["space_group"])[choose_dataset(table)]
    _, counts = np.unique(groups, return_counts=True)
    assert (groups.size, counts.size, counts.min()) == (42193, 45, 251)


@pytest.fixture
def path(tmp_path, small_table):
    """A table in which every fourth crystal is known from theory alone."""
    observed = [row % 4 > 0 for row in range(small_table.num_rows)]
    write_table(replaced(small_table, "observed", observed), tmp_path / "t.parquet")
    return tmp_path / "t.parquet"


def test_masks_are_disjoint_and_hold_what_they_say(path):
    rows = select_crystals(path, groups=2, observed=True, theoretical=True)
    # of three groups of the same size, the two lowest
    assert rows.groups == (194, 225)
    labels = np.asarray(read_table(path)["space_group"])
    observed = np.asarray(read_table(path)["observed"])
    np.testing.assert_array_equal(rows.dataset, observed & (labels != 229))
    np.testing.assert_array_equal(rows.augmentation, ~observed & (labels != 229))
    np.testing.assert_array_equal(rows.other_groups, observed & (labels == 229))
    assert rows.n_invisible == 0


def test_theory_is_used_for_augmentation_only_if_asked_for(path):
    rows = select_crystals(path, groups=2, observed=True, theoretical=False)
    assert not rows.augmentation.any()


def test_invisible_elements_are_left_out_everywhere(path):
    rows = select_crystals(path, 2, True, True, invisible={26})
    labels = np.asarray(read_table(path)["space_group"])
    used = rows.dataset | rows.augmentation | rows.other_groups
    assert not used[labels == 229].any()
    assert rows.n_invisible == 8


def test_selected_rows_are_those_of_the_mask(path, small_table):
    keep = np.arange(24) % 5 == 0
    table = pa.concat_tables(selected_rows(path, keep))
    ids = np.array(small_table["id"].to_pylist())
    assert table["id"].to_pylist() == ids[keep].tolist()


def test_labelled_rows_have_types_and_a_source(path, small_table):
    steps = []
    tables = labelled_rows(path, np.ones(24, bool), "book.parquet", steps.append)
    table = pa.concat_tables(tables)
    assert table["structure_type"].equals(
        fill_structure_types(small_table)["structure_type"]
    )
    assert set(table["source"].to_pylist()) == {"book.parquet"}
    assert sum(steps) == 24


def test_synthetic_augmentation_has_ids_and_a_seed_of_its_own():
    steps = []
    table = pa.concat_tables(synthetic_augmentation((2, 225), 1, steps.append))
    names = ["augmentation-syn-002-0000", "augmentation-syn-225-0000"]
    assert table["id"].to_pylist() == names
    assert table["space_group"].to_pylist() == [2, 225]
    assert "" not in table["structure_type"].to_pylist()
    assert sum(steps) == 2
    of_a_dataset = synthesize_one(225, seed=0, index=0)
    assert not np.array_equal(crystals_of(table)[1].lattice, of_a_dataset.lattice)


def test_missing_structure_types_are_found(small_table):
    table = fill_structure_types(small_table)
    types = dict(
        zip(table["id"].to_pylist(), table["structure_type"].to_pylist(), strict=True)
    )
    assert types["nickel-0"] == "A_225_a"
    assert types["magnesium-7"] == "A_194_c"
    assert fill_structure_types(table) is table


def test_formulas_are_those_of_the_atoms(tmp_path, small_table):
    # as another program writes them: with spaces and brackets, or none at all
    for written in ("Ni1 O3", "Ca5(PO4)3OH", "foo bar", ""):
        changed = replaced(small_table, "formula", [written] * small_table.num_rows)
        write_table(changed, tmp_path / "x.parquet")
        keep = np.ones(small_table.num_rows, bool)
        (table,) = selected_rows(tmp_path / "x.parquet", keep)
        assert table.equals(small_table)


def test_a_source_that_is_named_is_kept(tmp_path, small_table):
    named = replaced(small_table, "source", ["", *["textbook"] * 23])
    write_table(named, tmp_path / "x.parquet")
    keep = np.ones(small_table.num_rows, bool)
    (table,) = labelled_rows(tmp_path / "x.parquet", keep, "other")
    assert table["source"].to_pylist() == ["other", *["textbook"] * 23]


def test_all_groups_leave_no_other_ones(path):
    rows = select_crystals(path, groups=None, observed=True, theoretical=True)
    observed = np.asarray(read_table(path)["observed"])
    np.testing.assert_array_equal(rows.dataset, observed)
    np.testing.assert_array_equal(rows.augmentation, ~observed)
    assert not rows.other_groups.any()
    assert len(rows.groups) == 219
