from typing import get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gromega.crystals.crystal import Crystal
from gromega.crystals.space_groups import class_of
from gromega.crystals.table import to_table, write_table
from gromega.lake.splits import (
    PARTS,
    SCHEMES,
    benchmark_groups,
    benchmark_of_counts,
    draw_split,
    keys_of,
    read_benchmark,
    read_part,
    read_relatives,
    unrelated,
    write_split,
)
from gromega.params import Split


@settings(max_examples=50, deadline=None)
@given(
    counts=st.lists(st.integers(3, 60), min_size=1, max_size=6),
    test=st.floats(0.05, 0.6),
    validation=st.floats(0.05, 0.6),
    seed=st.integers(0, 2**31),
)
def test_every_group_has_its_share_in_every_part(counts, test, validation, seed):
    groups = np.repeat(np.arange(len(counts)) + 10, counts)
    ids = [f"c{i}" for i in range(groups.size)]
    parts = draw_split(ids, groups, test, validation, seed)
    for group, count in zip(np.unique(groups), counts, strict=True):
        of_group = parts[groups == group]
        n_test = np.count_nonzero(of_group == "test")
        n_validation = np.count_nonzero(of_group == "validation")
        assert 1 <= n_test <= count - 2
        assert abs(n_test - test * count) <= 1 or n_test in (1, count - 2)
        assert n_validation >= 1
        assert n_test + n_validation < count


@settings(max_examples=100, deadline=None)
@given(
    kinds=st.lists(
        st.tuples(st.integers(1, 5), st.integers(0, 40)), min_size=1, max_size=300
    ),
    seed=st.integers(0, 2**31),
)
def test_no_key_is_in_two_parts(kinds, seed):
    # keys within groups, as structure types are; three more keys to each group
    kinds += [(group, k) for group in range(1, 6) for k in (90, 91, 92)]
    groups = np.array([group for group, _ in kinds])
    keys = np.array([f"{group}:{key}" for group, key in kinds])
    parts = draw_split(keys, groups, seed=seed)
    assert set(parts) <= set(PARTS)
    for key in np.unique(keys):
        assert np.unique(parts[keys == key]).size == 1
    for group in np.unique(groups):
        assert set(parts[groups == group]) == set(PARTS)


def test_a_key_of_several_groups_is_in_one_part():
    # quartz, coesite and others: a formula with crystals in several groups
    generator = np.random.default_rng(0)
    keys = generator.integers(0, 300, 1000).astype(str)
    groups = generator.choice([14, 62, 225], 1000)
    parts = draw_split(keys, groups)
    assert all(np.unique(parts[keys == key]).size == 1 for key in np.unique(keys))
    for group in (14, 62, 225):
        assert np.mean(parts[groups == group] == "test") == pytest.approx(0.2, abs=0.02)


def test_the_smallest_group_chooses_first():
    # 9 is the smallest: it chooses among all keys, 2 among the others
    keys = [f"k{i}" for i in range(10)] * 4 + [f"other {i}" for i in range(10)]
    groups = [9] * 10 + [2] * 40
    both = draw_split(keys, groups, test=0.2, validation=0.25)
    alone = draw_split(keys[:10], groups[:10], test=0.2, validation=0.25)
    assert both[:10].tolist() == alone.tolist()
    assert [np.count_nonzero(alone == part) for part in PARTS] == [6, 2, 2]
    # the keys that 9 chose count for 2 as well: it has its shares of all 40
    assert [np.count_nonzero(both[10:] == part) for part in PARTS] == [24, 8, 8]


def test_a_key_that_is_half_of_a_group_is_in_the_training_part():
    # rock salt in 225: as test part, it would leave the group another one
    keys = ["AB_225_a_b"] * 50 + [f"other {k}" for k in range(50)]
    parts = draw_split(keys, [225] * 100)
    assert set(parts[:50]) == {"train"}
    assert np.count_nonzero(parts == "test") == 20


def test_split_depends_on_ids_not_on_their_order(generator):
    ids = np.array([f"c{i}" for i in range(60)])
    groups = np.repeat([2, 14, 62], 20)
    parts = dict(zip(ids, draw_split(ids, groups), strict=True))
    order = generator.permutation(60)
    again = dict(zip(ids[order], draw_split(ids[order], groups[order]), strict=True))
    assert parts == again


def test_another_seed_is_another_split():
    ids, groups = [f"c{i}" for i in range(60)], np.repeat([2, 14, 62], 20)
    one, other = draw_split(ids, groups, seed=0), draw_split(ids, groups, seed=1)
    assert (one != other).any()


@pytest.mark.parametrize(
    ("groups", "shares", "message"),
    [
        # a group too small for three parts: named
        (
            [1, 1, 1, 2, 2],
            {},
            "space group 2 has 2 crystals",
        ),
        # a share that leaves nothing: refused
        ([1, 1, 1], {"test": 1.0}, r"split\.test .*got 1"),
        ([1, 1, 1], {"validation": 0.0}, r"split\.validation .*got 0"),
    ],
)
def test_impossible_splits_are_refused(groups, shares, message):
    with pytest.raises(ValueError, match=message):
        draw_split([f"c{i}" for i in range(len(groups))], groups, **shares)


def test_parts_come_back_as_they_were_written(tmp_path):
    path = tmp_path / "split.parquet"
    write_split(
        path, ["a", "b", "c"], [225, 229, 2], ["train", "test", "train"], "random", 0
    )
    ids, groups = read_part(path, "train")
    assert ids.tolist() == ["a", "c"]
    assert groups.tolist() == [225, 2]
    with pytest.raises(ValueError, match="trian"):
        read_part(path, "trian")


def test_a_split_with_a_flipped_bit_is_refused_or_the_same(tmp_path):
    path = tmp_path / "split.parquet"
    ids = [f"mp-{number}" for number in range(40)]
    groups = [225, 194, 229, 2] * 10
    write_split(path, ids, groups, draw_split(ids, groups), "random", 0)

    def content():
        parts = [[x.tolist() for x in read_part(path, part)] for part in PARTS]
        return parts, benchmark_groups(path).tolist()

    whole, right = path.read_bytes(), content()
    for place in range(len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << (place % 8)
        path.write_bytes(flipped)
        try:
            assert content() == right, place
        except ValueError:
            continue


@pytest.mark.parametrize("lost", ["id", "space_group", "part", "scheme", "seed"])
def test_a_split_without_a_column_names_it(tmp_path, lost):
    path = tmp_path / "split.parquet"
    write_split(path, ["a"], [225], ["train"], "random", 0)
    pq.write_table(pq.read_table(path).drop_columns([lost]), path)
    with pytest.raises(ValueError, match=lost):
        read_part(path, "train")


def test_params_allow_the_schemes_that_there_are():
    assert list(get_args(Split.model_fields["scheme"].annotation)) == list(SCHEMES)


def test_keys_are_the_column_of_the_scheme_or_the_id():
    table = pa.table(
        {
            "id": ["a", "b"],
            "formula": ["NaCl", "KCl"],
            "structure_type": ["AB_225_a_b", ""],
        }
    )
    assert keys_of(table, "random") == ["a", "b"]
    assert keys_of(table, "formula") == ["NaCl", "KCl"]
    # a crystal without a structure type is alone
    assert keys_of(table, "structure-type") == ["AB_225_a_b", "b"]


def test_relatives_of_test_crystals_are_not_in_the_training(tmp_path):
    rows = {
        "a": ("NaCl", "AB_225_a_b", "test"),
        "b": ("KCl", "AB_225_a_b", "train"),
        "c": ("TiO2", "A2B_136_f_a", "validation"),
    }
    augmentation = {
        "x": ("NaCl", "AB_225_a_b"),  # the test crystal itself
        "y": ("NaCl", "AB_221_a_b"),  # its formula, another type
        "z": ("LiF", "AB_225_a_b"),  # its type, another formula
        "b": ("KBr", "AB_221_a_b"),  # an id of the data set
        "w": ("ZnS", "AB_216_a_c"),  # unlike any
    }

    def table(names, formulas, types):
        crystals = [Crystal(n, 4 * np.eye(3), [11], [[0, 0, 0]]) for n in names]
        made = to_table(crystals, [1] * len(names), structure_types=types)
        column = made.column_names.index("formula")
        return made.set_column(column, "formula", pa.array(formulas))

    crystals, more = tmp_path / "c.parquet", tmp_path / "e.parquet"
    formulas, types, parts = zip(*rows.values(), strict=True)
    write_table(table(list(rows), formulas, types), crystals)
    write_table(
        table(list(augmentation), *zip(*augmentation.values(), strict=True)), more
    )
    expected = {
        "random": ["y", "z", "w"],
        "formula": ["z", "w"],
        "structure-type": ["y", "w"],
    }
    for scheme, kept in expected.items():
        split = tmp_path / f"{scheme}.parquet"
        write_split(split, list(rows), [1, 1, 1], parts, scheme, 0)
        found = unrelated(split, crystals, more)
        assert [name for name, k in zip(augmentation, found, strict=True) if k] == kept


def test_relatives_are_training_crystals_of_the_same_structure_type(tmp_path):
    ids = [f"c{k}" for k in range(8)]
    types = ["A", "A", "A", "B", "", "", "A", "C"]
    parts = ["train"] * 3 + ["test", "train", "test", "test", "test"]
    crystals = [Crystal(name, 3 * np.eye(3), [29], [[0, 0, 0]]) for name in ids]
    table = to_table(crystals, [221] * 8, structure_types=types)
    write_table(table, tmp_path / "crystals.parquet")
    write_split(tmp_path / "split.parquet", ids, [225] * 8, parts, "random", 0)
    found = read_relatives(
        tmp_path / "crystals.parquet", tmp_path / "split.parquet", ["c6", "c3", "c5"]
    )
    assert found.tolist() == [3, 0, 0]


def test_groups_of_two_keys_are_trained_on_if_allowed():
    groups = np.array([1] * 9 + [2] * 2 + [3])
    ids = [f"c{i}" for i in range(groups.size)]
    with pytest.raises(ValueError, match="space group 2"):
        draw_split(ids, groups)
    parts = draw_split(ids, groups, rare=True)
    assert set(parts[groups > 1]) == {"train"}
    # The other groups keep their parts.
    only = groups == 1
    alone = draw_split(np.array(ids)[only], groups[only])
    np.testing.assert_array_equal(parts[only], alone)


@pytest.fixture
def split_of_five_groups(tmp_path, monkeypatch):
    monkeypatch.setattr("gromega.lake.splits.BENCHMARK", 2)
    groups = np.repeat([1, 2, 152, 154, 225], [3, 6, 4, 3, 5])
    ids = [f"c{i}" for i in range(groups.size)]
    parts = np.array(["train", "validation", "test"])[np.arange(groups.size) % 3]
    path = tmp_path / "split.parquet"
    write_split(path, ids, class_of(groups), parts, "random", 0)
    return path


def test_the_benchmark_has_the_most_populated_classes(split_of_five_groups):
    # 152 and 154 are one class of 7 crystals.
    assert benchmark_groups(split_of_five_groups).tolist() == [2, 152]
    counts = {"2": {"train": 3, "test": 3}, "152": {"train": 7}, "225": {"train": 5}}
    assert benchmark_of_counts(counts).tolist() == [2, 152]


def test_a_part_of_the_benchmark_has_the_crystals_of_its_groups(split_of_five_groups):
    ids, labels = read_benchmark(split_of_five_groups, "test")
    all_ids, all_labels = read_part(split_of_five_groups, "test")
    inside = np.isin(all_labels, [2, 152])
    assert ids.tolist() == all_ids[inside].tolist()
    assert set(labels.tolist()) == {2, 152}
    assert 0 < labels.size < all_labels.size
