"""Stage: the model gets its memory, its calibration, and crystals to be tested on."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gromega._util.progress import progress_bar
from gromega.conditions import RADIATIONS
from gromega.crystals.crystal import Crystal
from gromega.crystals.table import crystals_of, read_table, rows_of
from gromega.lake.splits import read_part
from gromega.model import calibration
from gromega.model import neighbours as memory
from gromega.model.model import Model, load_model, save_model
from gromega.model.other_groups import fit_other_groups
from gromega.model.reliability import MOST, TestCrystals, choose_test_crystals
from gromega.networks.logits import classes
from gromega.params import Params
from gromega.pdf.bins import DMAX
from gromega.pdf.network_grid import simulate_input
from gromega.pdf.operator import reach
from gromega.pdf.random_conditions import simulate_at_random
from gromega.pdf.spectrum import pair_spectra
from gromega.pdf.valid_spectra import spectra_by_radiation, valid_spectra
from gromega.pipeline.parts import box_part, formulas_of, part_of
from gromega.pipeline.paths import CRYSTALS, MODEL, OTHER_GROUPS, SPLIT, TRAINED
from gromega.training.inputs import LabelledPDFs
from gromega.training.recipes import Recipe, get_recipe

# Each crystal of the validation part is seen once a seed, at other conditions, where
# probabilities are calibrated.
CALIBRATION_SEEDS = (1, 2, 3, 4)
# The first of those by which crystals are remembered.
MEMORY_SEED = 101
# Of the draw of test crystals that a model carries.
TEST_CRYSTALS_SEED = 0
# Of the draw of crystals of other groups, of which so many are looked at; and of their
# conditions.
OTHERS_SEED, MOST_OTHERS = 0, 3000
OTHERS_CONDITIONS = 201


def calibrate(params: Params) -> None:
    """Make models/current: the trained network, its memory, and its calibration."""
    model = load_model(TRAINED, compiled=True)
    recipe = get_recipe(params.train.recipe)
    validation = part_of("validation", model.space_groups)
    if recipe.neighbours:
        model = _remembering(model, recipe, validation)
    where, seen = "the reference", validation
    if model.box:
        # Other draws than those that chose the epoch and the weight of the memory.
        where = f"{len(CALIBRATION_SEEDS)} conditions of the box each"
        seen = box_part(validation, model.box, CALIBRATION_SEEDS)
    fitted_on = f"{validation.y.size} validation crystals at {where}"
    found = calibration.fit_calibration(model.uncalibrated(seen.g), seen.y, fitted_on)
    told = None
    if model.uses_compositions:
        log_p = model.uncalibrated(seen.g, formulas_of(seen.ids))
        told = calibration.fit_calibration(
            log_p, seen.y, f"{fitted_on}, their compositions known"
        )
    model = replace(model, calibration=found, with_composition=told)
    model = _doubting(model, params, seen)
    save_model(MODEL, replace(model, test_crystals=_held_out(model)))


def _doubting(model: Model, params: Params, known: LabelledPDFs) -> Model:
    """Return a model that knows how sure it is of groups that it does not know."""
    table = read_table(OTHER_GROUPS)
    n = table.num_rows
    if not n:
        return model
    share = n / (n + read_table(CRYSTALS, ["id"]).num_rows)
    drawn = np.random.default_rng(OTHERS_SEED).permutation(n)[:MOST_OTHERS]
    table = table.take(pa.array(np.sort(drawn)))
    crystals = crystals_of(table)
    omega = params.reference
    dmax = DMAX if model.box else max(DMAX, reach(omega))
    spectra = pair_spectra(crystals, omega.radiation, dmax)
    density = np.array([crystal.density for crystal in crystals])
    if model.box:
        g = simulate_at_random(spectra, density, model.box, OTHERS_CONDITIONS)
    else:
        ids = [crystal.id for crystal in crystals]
        g = simulate_input(spectra, density, ids, omega, dmax)

    def doubt(
        found: calibration.Calibration,
        ours: list[str] | None = None,
        theirs: list[str] | None = None,
    ) -> calibration.Calibration:
        log_p = model.log_probabilities(known.g, ours)
        other = model.log_probabilities(g, theirs)
        fitted = fit_other_groups(log_p, other, share)
        return replace(found, other_groups=fitted)

    alone, told = model.calibration, model.with_composition
    if told:
        formulas = [crystal.formula for crystal in crystals]
        told = doubt(told, formulas_of(known.ids), formulas)
    return replace(model, calibration=alone and doubt(alone), with_composition=told)


def _held_out(model: Model) -> TestCrystals:
    """Return crystals of the test part for a model to carry, drawn at random."""
    ids, labels = read_part(SPLIT, "test")
    random = np.random.default_rng(TEST_CRYSTALS_SEED)
    rows = np.sort(random.permutation(ids.size)[:MOST])
    table = rows_of(read_table(CRYSTALS), ids[rows])
    density, spectra = spectra_by_radiation(crystals_of(table))
    y = classes(model.space_groups, labels[rows])
    return choose_test_crystals(
        ids[rows], y, density, spectra, table["formula"].to_pylist()
    )


def _remembering(model: Model, recipe: Recipe, validation: LabelledPDFs) -> Model:
    """Return a model that remembers the crystals of the training part."""
    part = part_of("train", model.space_groups)
    table = rows_of(read_table(CRYSTALS), part.ids)
    box = model.box
    seeds = range(MEMORY_SEED, MEMORY_SEED + recipe.neighbours - 1) if box else ()
    usual = [part.g]
    if box:
        usual += [box_part(part, box, [seed]).g for seed in seeds]
    as_seen = [usual]
    if recipe.variants and recipe.variants.other_radiation:
        as_seen.append(_by_other_radiation(model, crystals_of(table), usual, seeds))
    with progress_bar("conditions", sum(map(len, as_seen))) as advance:
        embeddings: list[list[NDArray[np.float32]]] = []
        for seen in as_seen:
            embeddings.append([])
            for g in seen:
                embeddings[-1].append(model.engine.embed(g))
                advance(1)
    formulas = table["formula"].to_pylist()
    names = [f"{name} {made}" for name, made in zip(part.ids, formulas, strict=True)]
    known = memory.build_neighbours(embeddings, part.y, names, model.space_groups.size)
    choosing = box_part(validation, box, [0]) if box else validation
    embedded = model.engine.embed(choosing.g)
    log_p = model.engine.head(embedded)
    formulas = formulas_of(choosing.ids)
    found = memory.fit_neighbours(known, log_p, embedded, choosing.y, formulas)
    return replace(model, memory=found)


def _by_other_radiation(
    model: Model,
    crystals: Sequence[Crystal],
    usual: Sequence[NDArray[np.float32]],
    seeds: Sequence[int],
) -> list[NDArray[np.float32]]:
    """Return the PDFs of crystals at the same conditions by the other radiation.

    Those of crystals that it does not see are as they were.
    """
    (other,) = {*RADIATIONS} - {model.conditions.radiation}
    visible, spectra = valid_spectra(crystals, other, DMAX)
    density = np.array([crystal.density for crystal in crystals])
    omega = model.conditions.at(radiation=other)
    ids = [crystal.id for crystal in crystals]
    made = [simulate_input(spectra, density, ids, omega, DMAX)]
    if model.box:
        box = model.box
        made += [simulate_at_random(spectra, density, box, seed) for seed in seeds]
    return [
        np.where(visible[:, None], g, as_usual)
        for g, as_usual in zip(made, usual, strict=True)
    ]
