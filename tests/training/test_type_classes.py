import numpy as np

from gromega.training.type_classes import type_classes

TYPES = ["rocksalt", "fluorite", "rocksalt", "cscl", "spinel", "once", "cscl", "twice"]
GROUPS = np.array([1, 1, 1, 0, 2, 2, 0, 2])


def test_types_of_the_split_and_types_of_two_crystals_are_classes():
    # three crystals of the split; then cscl twice, and three types of group 2 once each
    classes, group_of_class = type_classes(TYPES, GROUPS, n_own=3)
    assert group_of_class[classes].tolist() == GROUPS.tolist()
    assert classes[0] == classes[2] != classes[1]
    assert classes[3] == classes[6]
    assert len({*classes[[4, 5, 7]]}) == 1
    assert sorted(set(classes)) == list(range(4)) == list(range(group_of_class.size))


def test_a_type_of_one_crystal_of_the_split_is_a_class():
    classes, group_of_class = type_classes(TYPES, GROUPS, n_own=len(TYPES))
    assert group_of_class.size == len(set(TYPES))
    assert len(set(classes)) == len(set(TYPES))
