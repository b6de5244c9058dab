"""Priors: distributions of known crystals."""

import numpy as np
import pytest

from gromega.crystals.generate.priors import MAX_ATOMS, load_priors
from gromega.crystals.wyckoff import load_group


@pytest.mark.parametrize(
    ("group", "equal", "angles"),
    [
        # cubic: one edge, right angles
        (225, [1, 1, 1], [90, 90, 90]),
        # tetragonal: two equal edges
        (139, [1, 1], [90, 90, 90]),
        # hexagonal: two equal edges, 120 degrees between them
        (194, [1, 1], [90, 90, 120]),
        # orthorhombic: right angles
        (62, [1], [90, 90, 90]),
    ],
)
def test_shape_has_the_metric_of_the_crystal_system(generator, group, equal, angles):
    for _ in range(20):
        shape = load_priors().draw_shape(generator, group)
        assert shape[: len(equal)] == pytest.approx(equal)
        assert shape[3:] == pytest.approx(angles)


@pytest.mark.parametrize("number", [1, 14, 62, 225, 230])
def test_orbits_without_freedom_are_drawn_once(generator, number):
    group = load_group(number)
    for misses in (0, 5):
        orbits = load_priors().draw_orbits(generator, group, misses)
        fixed = orbits[group.freedoms[orbits] == 0]
        assert len(fixed) == len(set(fixed))
        assert 1 <= group.multiplicities[orbits].sum() <= 1.2 * MAX_ATOMS


def test_each_drawn_element_has_an_orbit(generator):
    priors = load_priors()
    drawn = [priors.draw_elements(generator, np.array([1, 2, 4])) for _ in range(50)]
    assert all(kinds.shape == (3,) for kinds in drawn)
    assert {len(set(kinds.tolist())) for kinds in drawn} <= {1, 2, 3}
    assert max(kinds.max() for kinds in drawn) < priors.elements.size
