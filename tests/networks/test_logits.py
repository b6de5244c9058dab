import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gromega.networks.logits import check_finite, classes, log_softmax, ranks


def test_log_softmax_gives_log_probabilities_without_overflow():
    x = np.array([[1000.0, 1000.0], [0.0, np.log(3.0)]])
    np.testing.assert_allclose(np.exp(log_softmax(x)), [[0.5, 0.5], [0.25, 0.75]])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_an_error(bad):
    with pytest.raises(ValueError, match="not finite"):
        check_finite(np.array([[0.0, bad]], np.float32))


def test_finite_values_are_returned_as_they_are():
    x = np.array([[0.0, -1e30]], np.float32)
    assert check_finite(x) is x


@given(st.permutations([2, 14, 62, 225]), st.lists(st.sampled_from([2, 14, 62, 225])))
def test_classes_are_indices_into_the_known_groups(known, groups):
    known, groups = np.array(known), np.array(groups, np.int64)
    np.testing.assert_array_equal(known[classes(known, groups)], groups)


def test_a_space_group_that_is_no_class_is_an_error():
    with pytest.raises(ValueError, match="62"):
        classes(np.array([2, 225]), np.array([225, 62]))


def test_ranks_count_from_the_most_probable_class():
    log_p = np.log([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5], [0.1, 0.2, 0.7]])
    assert ranks(log_p, np.array([0, 1, 0])).tolist() == [0, 1, 2]


def test_ties_are_ranked_in_the_order_of_the_classes():
    assert ranks(np.zeros((3, 4)), np.array([0, 1, 3])).tolist() == [0, 1, 3]
