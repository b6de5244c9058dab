from releasable import DATA, GROUPS, METRICS

from gromega.crystals.space_groups import all_classes
from gromega.registry.card_texts import (
    LIMITS,
    OTHER_GROUPS,
    RANDOM_SPLIT,
    standard_texts,
)


def test_limits_name_the_rarest_group_and_the_lowest_accuracy():
    *standard, rarest, lowest, split = standard_texts(DATA, METRICS, GROUPS)["limits"]
    assert standard == [OTHER_GROUPS, *LIMITS]
    assert "225" in rarest and " 2 " in rarest
    assert "20.0 %" in lowest and "qdamp 0.15 Å⁻¹" in lowest
    assert split == RANDOM_SPLIT


def test_a_split_by_structure_type_needs_no_warning():
    data = {**DATA, "split": {"scheme": "structure-type", "seed": 0}}
    assert RANDOM_SPLIT not in standard_texts(data, METRICS, GROUPS)["limits"]


def test_a_model_without_sweeps_has_no_lowest_accuracy():
    limits = standard_texts(DATA, {**METRICS, "sweeps": {}}, GROUPS)["limits"]
    assert len(limits) == len(LIMITS) + 3


def test_groups_without_test_crystals_are_named():
    before = standard_texts(DATA, METRICS, GROUPS)["limits"]
    (added,) = set(standard_texts(DATA, METRICS, [*GROUPS, 152])["limits"]) - {*before}
    assert "152/154" in added


def test_a_model_of_all_groups_has_no_other_ones():
    assert OTHER_GROUPS not in standard_texts(DATA, METRICS, all_classes())["limits"]
