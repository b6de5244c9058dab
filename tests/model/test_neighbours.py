from dataclasses import replace

import numpy as np
import pytest
from conftest import NETWORK

from gromega.conditions import REFERENCE
from gromega.model.build_neighbours import build_neighbours, fit_neighbours
from gromega.model.io import load_model, save_model
from gromega.model.model import Model
from gromega.model.neighbours import Neighbours, to_directions
from gromega.networks.build import make_network
from gromega.networks.inference import Compiled
from gromega.networks.weights import to_arrays

GROUPS = np.array([194, 225, 229])


def clusters(generator, n, width=8, noise=0.3):
    """Return embeddings that gather around a direction for each of three classes."""
    y = np.arange(n) % 3
    centres = np.eye(3, width)
    x = 5 * centres[y] + noise * 5 * generator.normal(size=(n, width))
    return x.astype(np.float32), y


def known_directions(memory):
    return to_directions(memory.directions * memory.steps)


@pytest.fixture
def memory(generator):
    x, y = clusters(generator, 60)
    return build_neighbours([[x]], y, [f"mp-{k} X" for k in range(60)], 3)


def test_a_crystal_is_found_again(memory, generator):
    x, _ = clusters(np.random.default_rng(0), 60)
    places, similarity = memory.nearest(x, k=3)
    assert places.shape == similarity.shape == (60, 3)
    again = known_directions(memory) @ memory.components.T
    found, similarity = memory.nearest(again, k=1)
    assert found[:, 0].tolist() == list(range(60))
    np.testing.assert_allclose(similarity, 1, atol=1e-3)


def test_votes_are_those_of_a_softmax_over_all_crystals(memory, generator):
    x, _ = clusters(generator, 5)
    cosines = to_directions(x @ memory.components) @ known_directions(memory).T
    w = np.exp(cosines.astype(np.float64) / 0.05)
    expected = np.stack([w[:, memory.y == k].sum(axis=1) for k in range(3)], axis=1)
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(memory.votes(x, 0.05), expected, rtol=1e-3, atol=1e-6)


def test_what_is_most_alike_is_so_among_all_classes(generator):
    # more PDFs than a block has, classes of unlike size, one without crystals
    y = np.concatenate([np.zeros(50), np.full(7, 3), np.full(3, 1)]).astype(np.int64)
    generator.shuffle(y)
    xray, neutron = generator.normal(size=(2, 60, 12)).astype(np.float32)
    memory = build_neighbours(
        [[xray], [neutron]], y, [f"mp-{k} X" for k in range(60)], 4
    )
    x = generator.normal(size=(300, 12)).astype(np.float32)
    log_p = np.log(generator.dirichlet(np.ones(4), 300))
    found = memory.query(log_p, x, 4)
    places, similarity = found.places, found.cosines
    np.testing.assert_array_equal(found.log_p, memory.query(log_p, x, 0).log_p)
    assert (found.gap == 0).all()
    assert (memory.votes(x, 0.05)[:, 2] == 0).all()
    both = to_directions(x @ memory.components) @ known_directions(memory).T
    cosines = both.reshape(300, 2, 60).max(axis=1)
    expected = np.argsort(-cosines, axis=1)[:, :4]
    np.testing.assert_array_equal(places, expected)
    found = np.take_along_axis(cosines, expected, axis=1)
    np.testing.assert_allclose(similarity, found, atol=1e-5)


def test_a_crystal_is_known_by_each_radiation(generator):
    y, names = np.arange(60) % 3, [f"mp-{k} X" for k in range(60)]
    xray, neutron = generator.normal(size=(2, 60, 12)).astype(np.float32)
    both = build_neighbours([[xray], [neutron]], y, names, 3)
    assert both.directions.shape == (120, 12)
    for seen in (xray, neutron):
        places, similarity = both.nearest(seen, k=2)
        assert places[:, 0].tolist() == list(range(60))
        assert similarity[:, 0] == pytest.approx(1, abs=0.02)
        assert (similarity[:, 1] < 0.98).all()
        assert (both.votes(seen, 0.02).argmax(axis=1) == y).all()
    # of one radiation, the other is not known
    alone = build_neighbours([[xray]], y, names, 3).votes(neutron, 0.02)
    assert np.mean(alone.argmax(axis=1) == y) < 0.7


def test_a_direction_is_the_mean_over_conditions(generator):
    one, two = generator.normal(size=(2, 60, 8)).astype(np.float32)
    y, names = np.arange(60) % 3, [f"mp-{k} X" for k in range(60)]
    found = build_neighbours([[one, 9 * two]], y, names, 3)
    middle = to_directions(to_directions(one) + to_directions(two))
    _, similarity = found.nearest(middle, k=1)
    assert similarity[:, 0] == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("width", [8, 7])
def test_a_memory_comes_back_from_its_arrays(generator, width):
    x = generator.normal(size=(60, width)).astype(np.float32)
    names = [f"mp-{k} X" for k in range(60)]
    memory = build_neighbours([[x], [-x]], np.arange(60) % 3, names, 3)
    arrays = memory.to_arrays()
    assert arrays["memory/directions"].nbytes == 120 * ((width + 1) // 2)
    again = Neighbours.of(arrays, 3, memory.to_mapping())
    np.testing.assert_array_equal(again.directions, memory.directions)
    joined = memory.query(x[:, :3], x, 0).log_p
    np.testing.assert_array_equal(again.query(x[:, :3], x, 0).log_p, joined)
    # as models of version 1.4 had it
    old = arrays | {"memory/directions": np.round(30 * x).astype(np.int8)}
    del old["memory/steps"]
    read = Neighbours.of(old, 3, memory.to_mapping())
    _, similarity = read.nearest(x @ memory.components.astype(np.float32).T, k=1)
    assert similarity[:, 0] == pytest.approx(1, abs=0.03)


def test_joined_probabilities_are_the_formula_s(memory, generator):
    x, _ = clusters(generator, 700)
    log_p = np.log(generator.dirichlet(np.ones(3), 700))
    joined = replace(memory, weight=0.3, spread=0.1).query(log_p, x, 0).log_p
    plain = 0.7 * log_p + 0.3 * np.log(memory.votes(x, 0.1) + 1e-3)
    expected = np.exp(plain) / np.exp(plain).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.exp(joined), expected, rtol=1e-4, atol=1e-6)


def test_without_weight_the_network_alone_answers(memory, generator):
    x, _ = clusters(generator, 9)
    log_p = np.log(generator.dirichlet(np.ones(3), 9))
    joined = replace(memory, weight=0.0).query(log_p, x, 0).log_p
    np.testing.assert_allclose(joined, log_p, atol=1e-5)


def test_the_fit_trusts_what_is_right(memory, generator):
    x, y = clusters(generator, 300)
    ignorant = np.full((300, 3), np.log(1 / 3))
    formulas = ["Fe"] * 300
    assert fit_neighbours(memory, ignorant, x, y, formulas).weight > 0.5
    sure = np.log(np.full((300, 3), 1e-4) + np.eye(3)[y])
    lost = build_neighbours(
        [[generator.normal(size=(60, 8))]], memory.y, memory.names, 3
    )
    assert fit_neighbours(lost, sure, x, y, formulas).weight < 0.1


def test_a_known_composition_tells_like_crystals_apart(generator):
    # all crystals look alike, but each class is of other compounds
    x = generator.normal(size=(1, 8)) + 0.1 * generator.normal(size=(60, 8))
    kinds = ["Li{}F", "Mg{}O2", "Fe{}S3"]
    y = np.arange(60) % 3
    formulas = [kinds[c].format(1 + k // 30) for k, c in enumerate(y)]
    names = [f"mp-{k} {formula}" for k, formula in enumerate(formulas)]
    known = build_neighbours([[x[:30]], [x[30:]]], y[:30], names[:30], 3)
    log_p = np.full((30, 3), np.log(1 / 3))
    fitted = fit_neighbours(known, log_p, x[30:], y[30:], formulas[:30])
    assert fitted.with_composition is not None
    told = fitted.query(log_p, x[30:], 5, formulas[:30])
    alone = fitted.query(log_p, x[30:], 5)
    assert (told.log_p.argmax(axis=1) == y[30:]).all()
    assert (alone.log_p.argmax(axis=1) == y[30:]).mean() < 0.8
    truth = np.arange(30), y[30:]
    assert (told.log_p[truth] > alone.log_p[truth]).all()
    # the crystals that are named are of the composition, as like as they are
    assert (y[told.places] == y[30:, None]).all()
    cosines = to_directions(x[30:] @ known.components) @ known_directions(known).T
    cosines = cosines.reshape(30, 2, -1).max(axis=1)
    expected = np.take_along_axis(cosines, told.places, axis=1)
    np.testing.assert_allclose(told.cosines, expected, atol=1e-4)
    like = np.where(known.y == y[30:, None], cosines, -np.inf).max(axis=1)
    np.testing.assert_allclose(told.gap, cosines.max(axis=1) - like, atol=1e-4)
    assert fitted.knows("Li2F2") and not fitted.knows("C60H36")
    again = Neighbours.of(fitted.to_arrays(), 3, fitted.to_mapping())
    found = again.query(log_p, x[30:], 0, formulas[:30])
    np.testing.assert_array_equal(found.log_p, told.log_p)


def test_a_composition_weighs_the_votes_of_both_radiations(generator):
    y = np.arange(60) % 3
    seen = generator.normal(size=(2, 60, 8)).astype(np.float32)
    formulas = ["LiF", "MgO2", "Fe2S3"]
    names = [f"mp-{k} {formulas[k // 20]}" for k in range(60)]
    memory = build_neighbours([[seen[0]], [seen[1]]], y, names, 3)
    x = generator.normal(size=(300, 8)).astype(np.float32)
    asked = [formulas[k % 3] for k in range(300)]
    cosines = to_directions(x @ memory.components) @ known_directions(memory).T
    likely = np.stack([memory._compositions.log_weights(f) for f in asked])
    weights = np.empty((300, 60))
    weights[:, np.argsort(y, kind="stable")] = likely
    w = np.exp(cosines.astype(np.float64) / 0.1 + np.tile(weights, 2))
    both = np.tile(y, 2)
    expected = np.stack([w[:, both == k].sum(axis=1) for k in range(3)], axis=1)
    expected /= expected.sum(axis=1, keepdims=True)
    found = memory.votes(x, 0.1, asked)
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=1e-6)


def test_a_model_comes_back_with_its_memory(tmp_path, generator):
    network = make_network(NETWORK, 3, 0)
    g = generator.normal(size=(20, 209)).astype(np.float32)
    names = [f"mp-{k} Na{k}Cl" for k in range(20)]
    known = build_neighbours(
        [[Compiled(network).embed(g)]], np.arange(20) % 3, names, 3
    )
    model = Model(to_arrays(network), GROUPS, NETWORK, REFERENCE, {}, memory=known)
    save_model(tmp_path / "m", model)
    again = load_model(tmp_path / "m")
    np.testing.assert_array_equal(
        again.log_probabilities(g), model.log_probabilities(g)
    )
    assert (again.log_probabilities(g) != Compiled(network).predict(g)).any()
    first = [found[0] for found in again.nearest(g, k=2)]
    assert [name for name, _, _ in first] == names
    assert [group for _, group, _ in first] == GROUPS[np.arange(20) % 3].tolist()
    # as far as four bits for a component tell
    assert all(cosine == pytest.approx(1, abs=0.02) for *_, cosine in first)
    with pytest.raises(ValueError, match="on the network's grid"):
        again.nearest(g[:, :5])


def test_a_model_without_memory_says_so(generator):
    model = Model(
        to_arrays(make_network(NETWORK, 3, 0)), GROUPS, NETWORK, REFERENCE, {}
    )
    with pytest.raises(ValueError, match="this model remembers no crystals; take"):
        model.nearest(generator.normal(size=(1, 209)).astype(np.float32))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        # a name is missing: refused
        ({"names": ("a",)}, "directions, a class and a name for each crystal"),
        # votes too many for a float: refused
        ({"spread": 0.01}, "the spread of a memory must be 0.02 or more"),
        ({"weight": 1.5}, "its weight from 0 to 1"),
        ({"with_composition": (0.1, 1.5)}, "its weight from 0 to 1"),
        # a class that the model does not know: refused
        ({"n_groups": 2}, "a memory of 2 groups has the class 2"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(memory, change, message):
    with pytest.raises(ValueError, match=message):
        replace(memory, **change)
