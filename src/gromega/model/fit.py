"""The fit of a trained model: its neighbours, its calibration, its test crystals."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gromega._util.progress import progress_bar
from gromega.conditions import RADIATIONS, Conditions
from gromega.crystals.crystal import Crystal
from gromega.model.build_neighbours import build_neighbours, fit_neighbours
from gromega.model.calibration import fit_calibration
from gromega.model.model import Model
from gromega.model.neighbours import Neighbours
from gromega.model.other_groups import fit_other_groups
from gromega.model.ranker import simulate_crystals
from gromega.model.reliability import pack_test_crystals
from gromega.networks.logits import classes
from gromega.pdf.bins import DMAX
from gromega.pdf.network_grid import simulate_input
from gromega.pdf.random_conditions import simulate_at_random
from gromega.pdf.spectrum import pair_spectra, spectra_by_radiation, valid_spectra

CALIBRATION_SEEDS = (1, 2, 3, 4)
"""The seeds of the conditions for the calibration: one PDF of each crystal a seed."""
NEIGHBOUR_SEED = 101  # the first, of the conditions for the neighbours
TEST_CRYSTALS_SEED, N_TEST_CRYSTALS = 0, 2000
"""The seed of the choice of test crystals, and their number."""
OTHER_GROUPS_SEED, N_OTHER_GROUPS = 0, 3000
"""The seed of the choice of crystals of other groups, and their number."""
OTHER_CONDITIONS_SEED = 201  # of the conditions for crystals of other groups

Inputs = NDArray[np.float32]
"""The G of crystals on the network's grid, (n, 209)."""


def neighbours_of(
    model: Model,
    crystals: Sequence[Crystal],
    g: Inputs,
    y: NDArray[np.int64],
    spectra: NDArray[np.float32],
    density: NDArray[np.float64],
    n_conditions: int,
    other_radiation: bool,
) -> Neighbours:
    """Return crystals as the neighbours of a model, before `with_neighbours`.

    Their embeddings are those of their inputs at the reference and, in a model with a
    box, at random conditions; with the other radiation too if so chosen. A crystal with
    an element that does not scatter that radiation keeps its inputs.

    Parameters
    ----------
    g, y
        The inputs at the reference, (n, 209), and the classes, (n,).
    spectra, density
        The pair spectra for the radiation of the model, (n, n_bins), and ρ0, (n,).
    n_conditions
        The number of conditions, with the reference.
    """
    seeds = range(NEIGHBOUR_SEED, NEIGHBOUR_SEED + n_conditions - 1)

    def at_all_conditions(first: Inputs, spectra: NDArray[np.float32]) -> list[Inputs]:
        if not model.box:
            return [first]
        drawn = (simulate_at_random(spectra, density, model.box, k) for k in seeds)
        return [first, *drawn]

    inputs = [at_all_conditions(g, spectra)]
    if other_radiation:
        (other,) = {*RADIATIONS} - {model.conditions.radiation}
        valid, spectra = valid_spectra(crystals, other, DMAX)
        ids = [crystal.id for crystal in crystals]
        omega = model.conditions.at(radiation=other)
        first = simulate_input(spectra, density, ids, omega, DMAX)
        pairs = zip(at_all_conditions(first, spectra), inputs[0], strict=True)
        inputs.append([np.where(valid[:, None], each, kept) for each, kept in pairs])
    with progress_bar("conditions", sum(map(len, inputs))) as advance:

        def embed(g: Inputs) -> NDArray[np.float32]:
            embedding = model.engine.embed(g)
            advance(1)
            return embedding

        embeddings = [[embed(g) for g in of_radiation] for of_radiation in inputs]
    names = [f"{crystal.id} {crystal.formula}" for crystal in crystals]
    return build_neighbours(embeddings, y, names, model.space_groups.size)


def with_neighbours(
    model: Model,
    neighbours: Neighbours,
    g: Inputs,
    y: NDArray[np.int64],
    compositions: Sequence[str],
) -> Model:
    """Return a model with neighbours, fitted to inputs of validation crystals."""
    embeddings = model.engine.embed(g)
    log_p = model.engine.head(embeddings)
    fitted = fit_neighbours(neighbours, log_p, embeddings, y, compositions)
    return replace(model, neighbours=fitted)


def with_calibration(
    model: Model,
    g: Inputs,
    y: NDArray[np.int64],
    compositions: Sequence[str],
    fitted_on: str,
) -> Model:
    """Return a model with calibrations, fitted to inputs of validation crystals.

    The inputs are at other conditions than those that chose its epoch and the weight of
    its neighbours; `fitted_on` states the data in words.
    """
    without = fit_calibration(model.uncalibrated(g), y, fitted_on)
    given = None
    if model.uses_compositions:
        log_p = model.uncalibrated(g, compositions)
        given = fit_calibration(log_p, y, f"{fitted_on}, with the composition")
    return replace(model, calibration=without, calibration_with_composition=given)


def choose_other_groups(n: int) -> NDArray[np.int64]:
    """Return the indices of the crystals of other groups to fit to, of n, in order."""
    order = np.random.default_rng(OTHER_GROUPS_SEED).permutation(n)
    return np.sort(order[:N_OTHER_GROUPS])


def with_other_groups(
    model: Model,
    g: Inputs,
    compositions: Sequence[str],
    others: Sequence[Crystal],
    share: float,
    conditions: Conditions,
) -> Model:
    """Return a calibrated model with the probability of groups outside its own.

    The inputs g and compositions are those of validation crystals, `others` are
    crystals of other groups, and `share` is the share of these in the source. Their
    PDFs are simulated in the model's box or, without one, at the conditions.
    """
    if model.box:
        spectra = pair_spectra(others, conditions.radiation, DMAX)
        density = np.array([crystal.density for crystal in others])
        outside = simulate_at_random(spectra, density, model.box, OTHER_CONDITIONS_SEED)
    else:
        outside = simulate_crystals(others, conditions)

    formulas = [crystal.formula for crystal in others]
    changed: dict[str, Any] = {}
    for name, given, given_outside in (
        ("calibration", None, None),
        ("calibration_with_composition", compositions, formulas),
    ):
        if calibration := getattr(model, name):
            log_p = model.log_probabilities(g, given)
            log_p_outside = model.log_probabilities(outside, given_outside)
            fit = fit_other_groups(log_p, log_p_outside, share)
            changed[name] = replace(calibration, other_groups=fit)
    return replace(model, **changed)


def choose_test_crystals(n: int) -> NDArray[np.int64]:
    """Return the indices of the crystals of the test part to keep, of n, in order."""
    order = np.random.default_rng(TEST_CRYSTALS_SEED).permutation(n)
    return np.sort(order[:N_TEST_CRYSTALS])


def with_test_crystals(
    model: Model, crystals: Sequence[Crystal], space_groups: NDArray[np.int64]
) -> Model:
    """Return a model with crystals of the test part, n of them, in compact form."""
    packed = pack_test_crystals(
        [crystal.id for crystal in crystals],
        classes(model.space_groups, space_groups),
        *spectra_by_radiation(crystals),
        [crystal.formula for crystal in crystals],
    )
    return replace(model, test_crystals=packed)
