from dataclasses import replace

import numpy as np
import pytest

from gromega.conditions import REFERENCE
from gromega.crystals.crystal import Crystal
from gromega.model import fit
from gromega.model.build_neighbours import build_neighbours
from gromega.model.ranker import simulate_crystals
from gromega.pdf.random_conditions import simulate_at_random

Y = np.arange(6) % 4


@pytest.fixture(scope="module")
def crystals(classics):
    """Five crystals, and one that neutrons do not see."""
    actinium = Crystal("actinium", 5.3 * np.eye(3), [89], [[0.0, 0.0, 0.0]])
    return [*classics[:5], actinium]


@pytest.fixture(scope="module")
def density(crystals):
    return np.array([crystal.density for crystal in crystals])


@pytest.fixture(scope="module")
def xray(crystals):
    from gromega.pdf.spectrum import pair_spectra

    return pair_spectra(crystals, "xray")


@pytest.fixture(scope="module")
def g(crystals):
    return simulate_crystals(crystals, REFERENCE)


def check_same(found, expected):
    for name in ("components", "directions", "steps", "y"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert found.names == expected.names


@pytest.mark.parametrize("n_conditions", [1, 3])
def test_neighbours_are_at_the_reference_and_at_random_conditions(
    small_model, crystals, g, xray, density, n_conditions
):
    found = fit.neighbours_of(
        small_model, crystals, g, Y, xray, density, n_conditions, False
    )
    drawn = [
        simulate_at_random(xray, density, small_model.box, fit.NEIGHBOUR_SEED + k)
        for k in range(n_conditions - 1)
    ]
    embeddings = [small_model.engine.embed(each) for each in (g, *drawn)]
    names = [f"{crystal.id} {crystal.formula}" for crystal in crystals]
    check_same(found, build_neighbours([embeddings], Y, names, 4))
    assert found.names[-1] == "actinium Ac"


def test_without_a_box_there_are_no_random_conditions(
    small_model, crystals, g, xray, density
):
    model = replace(small_model, box=None)
    many, one = (
        fit.neighbours_of(model, crystals, g, Y, xray, density, n, False)
        for n in (4, 1)
    )
    check_same(many, one)


def test_a_crystal_that_the_other_radiation_does_not_see_keeps_its_inputs(
    small_model, crystals, g, xray, density
):
    found = fit.neighbours_of(small_model, crystals, g, Y, xray, density, 1, True)
    neutron = np.concatenate(
        [simulate_crystals(crystals[:-1], REFERENCE.at(radiation="neutron")), g[-1:]]
    )
    embeddings = [[small_model.engine.embed(each)] for each in (g, neutron)]
    expected = build_neighbours(embeddings, Y, found.names, 4)
    assert len(found.directions) == 12
    np.testing.assert_allclose(found.directions, expected.directions, atol=1)
    np.testing.assert_array_equal(found.directions[5], found.directions[11])
    assert (found.directions[:5] != found.directions[6:11]).any()


def test_calibrations_state_their_data(small_model, g):
    formulas = ["NaCl"] * 6
    found = fit.with_calibration(small_model, g, Y, formulas, "6 crystals")
    assert (found.calibration.n, found.calibration.fitted_on) == (6, "6 crystals")
    given = found.calibration_with_composition
    assert given.fitted_on == "6 crystals, with the composition"
    assert given.temperature != found.calibration.temperature
    alone = replace(small_model, neighbours=None)
    alone = fit.with_calibration(alone, g, Y, formulas, "6 crystals")
    assert alone.calibration_with_composition is None


def test_neighbours_are_fitted_without_and_with_the_composition(small_model, g):
    formulas = ["NaCl", "Fe", "Si", "C", "NaCl", "Fe"]
    fitted = fit.with_neighbours(small_model, small_model.neighbours, g, Y, formulas)
    spread, weight = fitted.neighbours.with_composition
    # the compositions state the class
    assert weight > 0.9 and weight >= fitted.neighbours.weight
    assert spread > 0


@pytest.mark.parametrize("box", [True, False])
def test_both_calibrations_have_the_probability_of_other_groups(
    small_model, crystals, g, box
):
    model = small_model if box else replace(small_model, box=None)
    formulas = [crystal.formula for crystal in crystals]
    found = fit.with_other_groups(model, g, formulas, crystals[:4], 0.3, REFERENCE)
    for name in ("calibration", "calibration_with_composition"):
        others = getattr(found, name).other_groups
        assert (others.n, others.share) == (4, 0.3)
    plain = replace(model, calibration=None, calibration_with_composition=None)
    same = fit.with_other_groups(plain, g, formulas, crystals[:4], 0.3, REFERENCE)
    assert same.calibration is None and same.calibration_with_composition is None


def test_test_crystals_are_classes_of_the_model(small_model, crystals):
    groups = small_model.space_groups[[3, 0, 1, 2, 3, 3]]
    packed = fit.with_test_crystals(small_model, crystals, groups).test_crystals
    assert packed.y.tolist() == [3, 0, 1, 2, 3, 3]
    assert packed.ids == tuple(crystal.id for crystal in crystals)
    assert packed.formulas[-1] == "Ac"
    valid, _ = packed.simulate(REFERENCE.at(radiation="neutron"))
    assert valid.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("choose", "most"),
    [
        (fit.choose_test_crystals, fit.N_TEST_CRYSTALS),
        (fit.choose_other_groups, fit.N_OTHER_GROUPS),
    ],
)
def test_crystals_are_chosen_at_random_up_to_a_number(choose, most):
    np.testing.assert_array_equal(choose(5), np.arange(5))
    rows = choose(4 * most)
    assert rows.size == np.unique(rows).size == most
    assert (np.diff(rows) > 0).all()
    # from all of them, and the same each time
    assert rows.mean() == pytest.approx(2 * most, rel=0.1)
    np.testing.assert_array_equal(rows, choose(4 * most))
