import numpy as np
import pytest

from gromega.model.candidates import labels_of, ranked_candidates, summed

LABELS = labels_of(np.array([225, 14, 227, 166]))
P = np.array([0.2, 0.35, 0.3, 0.15])


def test_labels_have_the_symbols_of_the_international_tables():
    assert LABELS == [
        (225, "Fm-3m", "cubic"),
        (14, "P21/c", "monoclinic"),
        (227, "Fd-3m", "cubic"),
        (166, "R-3m", "trigonal"),
    ]


def test_candidates_are_ranked_by_probability():
    found = ranked_candidates(LABELS, P, P > 0.25)
    assert [c.number for c in found] == [14, 227, 225, 166]
    assert [c.probability for c in found] == [0.35, 0.3, 0.2, 0.15]
    assert [c.in_set for c in found] == [True, True, False, False]
    assert (found[0].symbol, found[0].system) == ("P21/c", "monoclinic")


def test_groups_of_the_same_probability_keep_the_order_of_the_model():
    found = ranked_candidates(LABELS, np.full(4, 0.25), np.ones(4, bool))
    assert [c.number for c in found] == [225, 14, 227, 166]


def test_the_probability_of_a_system_is_the_sum_over_its_groups():
    systems = summed((system for *_, system in LABELS), P)
    assert list(systems) == ["cubic", "monoclinic", "trigonal"]
    assert list(systems.values()) == pytest.approx([0.5, 0.35, 0.15])
