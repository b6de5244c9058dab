from dataclasses import replace

import numpy as np
import pytest

from gromega import read_pdf
from gromega.conditions import REFERENCE, Conditions
from gromega.measured.resample import to_input
from gromega.model.model import Model
from gromega.networks.build import make_network
from gromega.networks.weights import to_arrays
from gromega.pdf.bins import DMAX
from gromega.pdf.network_grid import input_operator
from gromega.pdf.operator import apply_operator
from gromega.pdf.spectrum import pair_spectra

NETWORK = {"name": "residual", "widths": (8, 16), "dropout": 0.1}


@pytest.fixture
def model():
    groups = np.array([2, 14, 62, 194, 225, 227, 229])
    network = make_network(NETWORK, groups.size, 3)
    return Model(to_arrays(network), groups, NETWORK, REFERENCE, {"recipe": "small"})


def test_ranking_lists_every_group_once_most_probable_first(model, classics):
    ranked = model.rank(classics[:3], Conditions(rmax=20.0))
    assert ranked.shape == (3, 7)
    g = apply_operator(
        input_operator(Conditions(rmax=20.0), DMAX),
        pair_spectra(classics[:3], "xray", DMAX),
        [crystal.density for crystal in classics[:3]],
    )
    for row, log_p in zip(ranked, model.log_probabilities(g), strict=True):
        assert row.tolist() == model.space_groups[np.argsort(-log_p)].tolist()


def test_ranking_depends_on_the_conditions(model, classics):
    one = model.rank(classics, REFERENCE)
    other = model.rank(classics, Conditions(rmax=8.0, qdamp=0.15))
    assert (one != other).any()


def test_input_on_another_grid_is_refused(model):
    with pytest.raises(ValueError, match=r"\(n, 209\), got the shape \(2, 362\)"):
        model.log_probabilities(np.zeros((2, 362), np.float32))


def test_input_that_is_not_finite_is_refused(model):
    with pytest.raises(ValueError, match="has values that are not finite"):
        model.log_probabilities(np.full((2, 209), np.nan, np.float32))


def test_an_unknown_argument_of_the_network_is_refused(model):
    other = replace(model, architecture={**NETWORK, "colour": 3})
    with pytest.raises(ValueError, match="colour"):
        other.log_probabilities(np.zeros((1, 209), np.float32))


def test_both_at_once_are_the_same_as_one_by_one(small_model, files):
    g = np.stack([to_input(read_pdf(path)) for path in sorted(files.glob("*.gr"))])
    formulas = ["NaCl", "Fe"]
    alone, given = small_model.without_and_with_composition(g, formulas)
    np.testing.assert_allclose(alone, small_model.log_probabilities(g), atol=1e-6)
    np.testing.assert_allclose(
        given, small_model.log_probabilities(g, formulas), atol=1e-6
    )
    assert np.abs(alone - given).max() > 0.1
    with pytest.raises(ValueError, match="cannot use compositions"):
        replace(small_model, neighbours=None).without_and_with_composition(g, formulas)


def test_compositions_need_a_calibration_of_their_own(small_model):
    assert small_model.uses_compositions
    assert not replace(small_model, calibration_with_composition=None).uses_compositions
    assert replace(
        small_model, calibration_with_composition=None, calibration=None
    ).uses_compositions
