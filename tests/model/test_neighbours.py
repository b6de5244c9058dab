from dataclasses import replace

import numpy as np
import pytest
from directions import clusters, known_directions, nearest

from gromega.model.build_neighbours import build_neighbours, fit_neighbours
from gromega.model.neighbours import to_directions


def test_a_crystal_is_found_again(neighbours, generator):
    x, _ = clusters(np.random.default_rng(0), 60)
    indices, similarity = nearest(neighbours, x, 3)
    assert indices.shape == similarity.shape == (60, 3)
    again = known_directions(neighbours) @ neighbours.components.T
    found, similarity = nearest(neighbours, again, 1)
    assert found[:, 0].tolist() == list(range(60))
    np.testing.assert_allclose(similarity, 1, atol=1e-3)


def test_weights_are_those_of_a_softmax_over_all_crystals(neighbours, generator):
    x, _ = clusters(generator, 5)
    cosines = to_directions(x @ neighbours.components) @ known_directions(neighbours).T
    w = np.exp(cosines.astype(np.float64) / 0.05)
    expected = np.stack([w[:, neighbours.y == k].sum(axis=1) for k in range(3)], axis=1)
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        neighbours.weights(x, 0.05), expected, rtol=1e-3, atol=1e-6
    )


def test_the_nearest_are_found_among_all_classes(generator):
    # more PDFs than a block has, classes of unlike size, one without crystals
    y = np.concatenate([np.zeros(50), np.full(7, 3), np.full(3, 1)]).astype(np.int64)
    generator.shuffle(y)
    xray, neutron = generator.normal(size=(2, 60, 12)).astype(np.float32)
    neighbours = build_neighbours(
        [[xray], [neutron]], y, [f"mp-{k} X" for k in range(60)], 4
    )
    x = generator.normal(size=(300, 12)).astype(np.float32)
    log_p = np.log(generator.dirichlet(np.ones(4), 300))
    found = neighbours.query(log_p, x, 4)
    indices, similarity = found.indices, found.similarity
    np.testing.assert_array_equal(found.log_p, neighbours.query(log_p, x, 0).log_p)
    assert (found.gap == 0).all()
    assert (neighbours.weights(x, 0.05)[:, 2] == 0).all()
    both = to_directions(x @ neighbours.components) @ known_directions(neighbours).T
    cosines = both.reshape(300, 2, 60).max(axis=1)
    expected = np.argsort(-cosines, axis=1)[:, :4]
    np.testing.assert_array_equal(indices, expected)
    found = np.take_along_axis(cosines, expected, axis=1)
    np.testing.assert_allclose(similarity, found, atol=1e-5)


def test_joined_probabilities_are_the_formula_s(neighbours, generator):
    x, _ = clusters(generator, 700)
    log_p = np.log(generator.dirichlet(np.ones(3), 700))
    joined = replace(neighbours, weight=0.3, spread=0.1).query(log_p, x, 0).log_p
    plain = 0.7 * log_p + 0.3 * np.log(neighbours.weights(x, 0.1) + 1e-3)
    expected = np.exp(plain) / np.exp(plain).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.exp(joined), expected, rtol=1e-4, atol=1e-6)


def test_without_weight_the_network_alone_counts(neighbours, generator):
    x, _ = clusters(generator, 9)
    log_p = np.log(generator.dirichlet(np.ones(3), 9))
    joined = replace(neighbours, weight=0.0).query(log_p, x, 0).log_p
    np.testing.assert_allclose(joined, log_p, atol=1e-5)


def test_the_composition_distinguishes_similar_crystals(generator):
    # all crystals are similar, but each class has compounds of its own
    x = generator.normal(size=(1, 8)) + 0.1 * generator.normal(size=(60, 8))
    kinds = ["Li{}F", "Mg{}O2", "Fe{}S3"]
    y = np.arange(60) % 3
    formulas = [kinds[c].format(1 + k // 30) for k, c in enumerate(y)]
    names = [f"mp-{k} {formula}" for k, formula in enumerate(formulas)]
    known = build_neighbours([[x[:30]], [x[30:]]], y[:30], names[:30], 3)
    log_p = np.full((30, 3), np.log(1 / 3))
    fitted = fit_neighbours(known, log_p, x[30:], y[30:], formulas[:30])
    assert fitted.with_composition is not None
    given = fitted.query(log_p, x[30:], 5, formulas[:30])
    alone = fitted.query(log_p, x[30:], 5)
    assert (given.log_p.argmax(axis=1) == y[30:]).all()
    assert (alone.log_p.argmax(axis=1) == y[30:]).mean() < 0.8
    truth = np.arange(30), y[30:]
    assert (given.log_p[truth] > alone.log_p[truth]).all()
    # the neighbours have the composition, and their cosines are not changed by it
    assert (y[given.indices] == y[30:, None]).all()
    cosines = to_directions(x[30:] @ known.components) @ known_directions(known).T
    cosines = cosines.reshape(30, 2, -1).max(axis=1)
    expected = np.take_along_axis(cosines, given.indices, axis=1)
    np.testing.assert_allclose(given.similarity, expected, atol=1e-4)
    like = np.where(known.y == y[30:, None], cosines, -np.inf).max(axis=1)
    np.testing.assert_allclose(given.gap, cosines.max(axis=1) - like, atol=1e-4)
    assert fitted.has_similar("Li2F2") and not fitted.has_similar("C60H36")


def test_a_composition_changes_the_weights_of_both_radiations(generator):
    y = np.arange(60) % 3
    seen = generator.normal(size=(2, 60, 8)).astype(np.float32)
    formulas = ["LiF", "MgO2", "Fe2S3"]
    names = [f"mp-{k} {formulas[k // 20]}" for k in range(60)]
    neighbours = build_neighbours([[seen[0]], [seen[1]]], y, names, 3)
    x = generator.normal(size=(300, 8)).astype(np.float32)
    asked = [formulas[k % 3] for k in range(300)]
    cosines = to_directions(x @ neighbours.components) @ known_directions(neighbours).T
    log_weights = np.stack([neighbours._compositions.log_weights(f) for f in asked])
    weights = np.empty((300, 60))
    weights[:, np.argsort(y, kind="stable")] = log_weights
    w = np.exp(cosines.astype(np.float64) / 0.1 + np.tile(weights, 2))
    both = np.tile(y, 2)
    expected = np.stack([w[:, both == k].sum(axis=1) for k in range(3)], axis=1)
    expected /= expected.sum(axis=1, keepdims=True)
    found = neighbours.weights(x, 0.1, asked)
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        # a name is missing: refused
        ({"names": ("a",)}, "got 60, 60 and 1"),
        # a spread so small that weights overflow: refused
        ({"spread": 0.01}, "got 0.01"),
        ({"weight": 1.5}, "1.5"),
        ({"with_composition": (0.1, 1.5)}, "1.5"),
        # a class beyond the groups of the model: refused
        ({"n_groups": 2}, "got 0 to 2"),
    ],
)
def test_inconsistent_numbers_are_refused(neighbours, change, message):
    with pytest.raises(ValueError, match=message):
        replace(neighbours, **change)
