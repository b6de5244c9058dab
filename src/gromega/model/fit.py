"""The fit of a trained model: its neighbours, its calibration, its test crystals."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import astuple, replace
from functools import partial
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gromega._util.parallel import ordered_map, send
from gromega._util.progress import progress_bar
from gromega.conditions import RADIATIONS, Conditions
from gromega.crystals.crystal import Crystal
from gromega.model.build_neighbours import build_neighbours, fit_neighbours
from gromega.model.calibration import Calibration, fit_calibration
from gromega.model.fit_familiarity import fit_familiarity
from gromega.model.fit_unlike import fit_unlike, odd_inputs
from gromega.model.model import Model
from gromega.model.neighbours import NeighbourResult, Neighbours
from gromega.model.other_groups import fit_other_groups
from gromega.model.ranker import simulate_crystals
from gromega.model.reliability import pack_test_crystals
from gromega.networks.logits import classes
from gromega.pdf.bins import DMAX
from gromega.pdf.network_grid import simulate_input
from gromega.pdf.random_conditions import simulate_at_random
from gromega.pdf.spectrum import make_spectra, spectra_by_radiation, valid_spectra

CALIBRATION_SEEDS = (1, 2, 3, 4)
"""The seeds of the conditions for the calibration: one PDF of each crystal a seed."""
NEIGHBOUR_SEED = 101  # the first, of the conditions for the neighbours
TEST_CRYSTALS_SEED, N_TEST_CRYSTALS = 0, 2000
"""The seed of the choice of test crystals, and their number."""
OTHER_GROUPS_SEED, N_OTHER_GROUPS = 0, 3000
"""The seed of the choice of crystals of other groups, and their number."""
OTHER_CONDITIONS_SEED = 201  # of the conditions for crystals of other groups
N_UNLIKE = 16_000
"""The largest number of PDFs of crystals in the fit of unlike ones."""

# A multiple of the number of PDFs that the network computes at once.
_BLOCK = 4096
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
    pool: Executor | None = None,
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
    pool
        The workers of a cluster, as in the other functions; None is this machine.
    """
    seeds = range(NEIGHBOUR_SEED, NEIGHBOUR_SEED + n_conditions - 1)

    def at_all_conditions(first: Inputs, spectra: NDArray[np.float32]) -> list[Inputs]:
        if not model.box:
            return [first]
        draw = partial(simulate_at_random, spectra, density, model.box, pool=pool)
        return [first, *map(draw, seeds)]

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
            embedding = _in_blocks(pool, model, "engine.embed", g)
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
    pool: Executor | None = None,
) -> Model:
    """Return a model with neighbours, fitted to inputs of validation crystals."""
    embeddings = _in_blocks(pool, model, "engine.embed", g)
    log_p = _in_blocks(pool, model, "engine.head", embeddings)
    fitted = fit_neighbours(neighbours, log_p, embeddings, y, compositions)
    return replace(model, neighbours=fitted)


def with_calibration(
    model: Model,
    g: Inputs,
    y: NDArray[np.int64],
    compositions: Sequence[str],
    is_new: NDArray[np.bool_],
    fitted_on: str,
    pool: Executor | None = None,
) -> Model:
    """Return a model with calibrations, fitted to inputs of validation crystals.

    The inputs are at other conditions than those that chose its epoch and the weight of
    its neighbours; `is_new` is whether no training crystal has the structure type,
    (n,), and `fitted_on` states the data in words.
    """
    choices: list[Sequence[str] | None] = [None]
    choices += [compositions] if model.uses_compositions else []
    fitted: list[Calibration | None] = []
    for given, result in zip(choices, _query(pool, model, g, choices), strict=True):
        words = f"{fitted_on}, with the composition" if given else fitted_on
        calibration = fit_calibration(result.log_p, y, words)
        log_p, n_of_ratios = calibration.apply(result.log_p), model.n_of_ratios(given)
        familiarity = fit_familiarity(result, log_p, y, is_new, n_of_ratios)
        fitted.append(replace(calibration, familiarity=familiarity))
    without, known = [*fitted, None][:2]
    return replace(model, calibration=without, calibration_with_composition=known)


def with_unlike(model: Model, g: Inputs, is_new: NDArray[np.bool_]) -> Model:
    """Return a model whose neighbours tell PDFs that are unlike those of all crystals.

    The arguments are those of `with_calibration`; PDFs of known structure types are
    fitted to or, if there are none, of any.
    """
    found = model.neighbours
    if found is None:
        return model
    inside = (g if is_new.all() else g[~is_new])[:N_UNLIKE]

    def features(g: Inputs) -> NDArray[np.float32]:
        embeddings = model.engine.embed(g)
        result = found.query(model.engine.head(embeddings), embeddings, 0)
        return np.column_stack([result.nearest, found.along(embeddings)])

    unlike = fit_unlike(features(inside), features(odd_inputs(inside)))
    return replace(model, neighbours=replace(found, unlike=unlike))


def _query(
    pool: Executor | None,
    model: Model,
    g: Inputs,
    choices: Sequence[Sequence[str] | None],
) -> list[NeighbourResult]:
    """Return `Ranker.query` of n inputs, computed block by block."""
    blocks = (
        (g[start : start + _BLOCK], [c and c[start : start + _BLOCK] for c in choices])
        for start in range(0, len(g), _BLOCK)
    )
    made = ordered_map(pool, _query_block, blocks, send(pool, model))
    return [
        NeighbourResult(*map(np.concatenate, zip(*map(astuple, parts), strict=True)))
        for parts in zip(*made, strict=True)
    ]


def _query_block(model: Model, block: tuple[Inputs, Any]) -> list[NeighbourResult]:
    return model.query(*block)


def _in_blocks(
    pool: Executor | None, model: Model, method: str, *inputs: Any
) -> NDArray[Any]:
    """Return what a method of a model makes of n inputs, block by block."""
    blocks = (
        [each if each is None else each[start : start + _BLOCK] for each in inputs]
        for start in range(0, len(inputs[0]), _BLOCK)
    )
    made = ordered_map(pool, partial(_call, method), blocks, send(pool, model))
    return np.concatenate(list(made))


def _call(method: str, model: Model, block: Sequence[Any]) -> NDArray[Any]:
    made: NDArray[Any] = attrgetter(method)(model)(*block)
    return made


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
    pool: Executor | None = None,
) -> Model:
    """Return a calibrated model with the probability of groups outside its own.

    The inputs g and compositions are those of validation crystals, `others` are
    crystals of other groups, and `share` is the share of these in the source. Their
    PDFs are simulated in the model's box or, without one, at the conditions.
    """
    if model.box:
        spectra = make_spectra(others, conditions.radiation, DMAX)
        density = np.array([crystal.density for crystal in others])
        outside = simulate_at_random(
            spectra, density, model.box, OTHER_CONDITIONS_SEED, pool=pool
        )
    else:
        outside = simulate_crystals(others, conditions)

    formulas = [crystal.formula for crystal in others]
    changed: dict[str, Any] = {}
    for name, given, given_outside in (
        ("calibration", None, None),
        ("calibration_with_composition", compositions, formulas),
    ):
        if calibration := getattr(model, name):
            inside, beyond = (
                _in_blocks(pool, model, "log_probabilities", *inputs)
                for inputs in ((g, given), (outside, given_outside))
            )
            fit = fit_other_groups(inside, beyond, share)
            changed[name] = replace(calibration, other_groups=fit)
    return replace(model, **changed)


def choose_test_crystals(n: int) -> NDArray[np.int64]:
    """Return the indices of the crystals of the test part to keep, of n, in order."""
    order = np.random.default_rng(TEST_CRYSTALS_SEED).permutation(n)
    return np.sort(order[:N_TEST_CRYSTALS])


def with_test_crystals(
    model: Model,
    crystals: Sequence[Crystal],
    space_groups: NDArray[np.int64],
    relatives: NDArray[np.int64] | None = None,
) -> Model:
    """Return a model with crystals of the test part, n of them, in compact form.

    The relatives, (n,), are the training crystals of the same structure type.
    """
    packed = pack_test_crystals(
        [crystal.id for crystal in crystals],
        classes(model.space_groups, space_groups),
        *spectra_by_radiation(crystals),
        [crystal.formula for crystal in crystals],
        relatives,
    )
    return replace(model, test_crystals=packed)
