import numpy as np
import pytest

from gromega.model.hierarchy import hierarchy_of

GROUPS = np.array([225, 139, 216, 221])
P = np.array([0.5, 0.2, 0.2, 0.1])


def test_the_levels_are_sums_of_the_groups():
    found = hierarchy_of(GROUPS, P, np.array([True, True, False, False]))
    assert found.bravais_lattices == pytest.approx({"cF": 0.7, "tI": 0.2, "cP": 0.1})
    assert found.laue_classes == pytest.approx({"m-3m": 0.8, "4/mmm": 0.2})
    assert [*found.laue_classes] == ["m-3m", "4/mmm"]
    assert found.centrosymmetric == pytest.approx(0.8)
    assert found.supergroup == 225
    lattices, _, inversion, supergroup = found.lines()
    assert "cF 70 %, tI 20 %, cP 10 %" in lattices
    assert "80 %" in inversion and "225 Fm-3m" in supergroup


def test_a_set_without_common_supergroup_has_none():
    found = hierarchy_of(GROUPS, P, np.array([True, False, False, True]))
    assert found.supergroup is None and len([*found.lines()]) == 3
    assert hierarchy_of(GROUPS, P, np.zeros(4, bool)).supergroup is None
