import numpy as np
import pytest
from directions import clusters, nearest

from gromega.model.build_neighbours import build_neighbours, fit_neighbours
from gromega.model.neighbours import to_directions


def test_a_crystal_has_a_direction_for_each_radiation(generator):
    y, names = np.arange(60) % 3, [f"mp-{k} X" for k in range(60)]
    xray, neutron = generator.normal(size=(2, 60, 12)).astype(np.float32)
    both = build_neighbours([[xray], [neutron]], y, names, 3)
    assert both.directions.shape == (120, 12)
    for seen in (xray, neutron):
        indices, similarity = nearest(both, seen, 2)
        assert indices[:, 0].tolist() == list(range(60))
        assert similarity[:, 0] == pytest.approx(1, abs=0.02)
        assert (similarity[:, 1] < 0.98).all()
        assert (both.weights(seen, 0.02).argmax(axis=1) == y).all()
    # with one radiation, the other is not found
    alone = build_neighbours([[xray]], y, names, 3).weights(neutron, 0.02)
    assert np.mean(alone.argmax(axis=1) == y) < 0.7


def test_a_direction_is_the_mean_over_conditions(generator):
    one, two = generator.normal(size=(2, 60, 8)).astype(np.float32)
    y, names = np.arange(60) % 3, [f"mp-{k} X" for k in range(60)]
    found = build_neighbours([[one, 9 * two]], y, names, 3)
    middle = to_directions(to_directions(one) + to_directions(two))
    _, similarity = nearest(found, middle, 1)
    assert similarity[:, 0] == pytest.approx(1, abs=0.02)


def test_the_fit_prefers_the_better_of_network_and_neighbours(neighbours, generator):
    x, y = clusters(generator, 300)
    ignorant = np.full((300, 3), np.log(1 / 3))
    formulas = ["Fe"] * 300
    assert fit_neighbours(neighbours, ignorant, x, y, formulas).weight > 0.5
    sure = np.log(np.full((300, 3), 1e-4) + np.eye(3)[y])
    lost = build_neighbours(
        [[generator.normal(size=(60, 8))]], neighbours.y, neighbours.names, 3
    )
    assert fit_neighbours(lost, sure, x, y, formulas).weight < 0.1
