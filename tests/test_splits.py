import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gromega.splits import random_split, read_part, write_split


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
    parts = random_split(ids, groups, test, validation, seed)
    for group, count in zip(np.unique(groups), counts, strict=True):
        of_group = parts[groups == group]
        n_test = np.count_nonzero(of_group == "test")
        n_validation = np.count_nonzero(of_group == "validation")
        assert 1 <= n_test <= count - 2
        assert abs(n_test - test * count) <= 1 or n_test in (1, count - 2)
        assert n_validation >= 1
        assert n_test + n_validation < count


def test_split_depends_on_ids_not_on_their_order(generator):
    ids = np.array([f"c{i}" for i in range(60)])
    groups = np.repeat([2, 14, 62], 20)
    parts = dict(zip(ids, random_split(ids, groups), strict=True))
    order = generator.permutation(60)
    again = dict(zip(ids[order], random_split(ids[order], groups[order]), strict=True))
    assert parts == again


def test_another_seed_is_another_split():
    ids, groups = [f"c{i}" for i in range(60)], np.repeat([2, 14, 62], 20)
    one, other = random_split(ids, groups, seed=0), random_split(ids, groups, seed=1)
    assert (one != other).any()


@pytest.mark.parametrize(
    ("groups", "shares", "message"),
    [
        # a group too small for three parts: named
        (
            [1, 1, 1, 2, 2],
            {},
            "space group 2 has 2 crystals; each group needs at least",
        ),
        # a share that leaves nothing: refused
        ([1, 1, 1], {"test": 1.0}, "split.test must be between 0 and 1, got 1"),
        ([1, 1, 1], {"validation": 0.0}, "split.validation must be between 0 and 1"),
    ],
)
def test_impossible_splits_are_refused(groups, shares, message):
    with pytest.raises(ValueError, match=message):
        random_split([f"c{i}" for i in range(len(groups))], groups, **shares)


def test_parts_come_back_as_they_were_written(tmp_path):
    path = tmp_path / "split.parquet"
    write_split(
        path, ["a", "b", "c"], [225, 229, 2], ["train", "test", "train"], "random", 0
    )
    ids, groups = read_part(path, "train")
    assert ids.tolist() == ["a", "c"]
    assert groups.tolist() == [225, 2]
    with pytest.raises(ValueError, match="no part 'trian'; the parts are train"):
        read_part(path, "trian")
