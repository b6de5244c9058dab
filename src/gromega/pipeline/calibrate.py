"""Stage: the trained model gets its neighbours, calibration and test crystals."""

from dataclasses import replace

from gromega.crystals.table import crystals_of, read_formulas, read_table, rows_of
from gromega.lake.splits import read_part
from gromega.model import fit
from gromega.model.io import load_model, save_model
from gromega.model.model import Model
from gromega.model.reliability import pack_test_crystals
from gromega.networks.logits import classes
from gromega.params import Params
from gromega.pdf.spectrum import spectra_by_radiation
from gromega.pipeline.parts import box_part, part_of
from gromega.pipeline.paths import CRYSTALS, MODEL, OTHER_GROUPS, SPLIT, TRAINED
from gromega.training.inputs import LabelledPDFs
from gromega.training.recipes import Recipe, get_recipe


def calibrate(params: Params) -> None:
    """Make models/current: the trained network, its neighbours and calibration."""
    model = load_model(TRAINED, compiled=True)
    recipe = get_recipe(params.train.recipe)
    validation = part_of("validation", model.space_groups)
    if recipe.neighbours:
        model = _with_neighbours(model, recipe, validation)
    where, part = "the reference", validation
    if model.box:
        where = f"{len(fit.CALIBRATION_SEEDS)} conditions of the box each"
        part = box_part(validation, model.box, fit.CALIBRATION_SEEDS)
    fitted_on = f"{validation.y.size} validation crystals at {where}"
    formulas = read_formulas(CRYSTALS, part.ids)
    model = fit.with_calibration(model, part.g, part.y, formulas, fitted_on)
    others = read_table(OTHER_GROUPS)
    if n := others.num_rows:
        share = n / (n + read_table(CRYSTALS, ["id"]).num_rows)
        crystals = crystals_of(others.take(fit.choose_other_groups(n)))
        model = fit.with_other_groups(
            model, part.g, formulas, crystals, share, params.reference
        )
    ids, labels = read_part(SPLIT, "test")
    rows = fit.choose_test_crystals(ids.size)
    table, y = rows_of(read_table(CRYSTALS), ids[rows]), labels[rows]
    test_crystals = pack_test_crystals(
        ids[rows],
        classes(model.space_groups, y),
        *spectra_by_radiation(crystals_of(table)),
        table["formula"].to_pylist(),
    )
    save_model(MODEL, replace(model, test_crystals=test_crystals))


def _with_neighbours(model: Model, recipe: Recipe, validation: LabelledPDFs) -> Model:
    """Return a model with the crystals of the training part as its neighbours."""
    part = part_of("train", model.space_groups)
    table = rows_of(read_table(CRYSTALS), part.ids)
    box, last = model.box, fit.NEIGHBOUR_SEED + recipe.neighbours - 1
    seeds = range(fit.NEIGHBOUR_SEED, last) if box else ()
    inputs = [[part.g, *(box_part(part, box, [seed]).g for seed in seeds if box)]]
    if recipe.variants and recipe.variants.other_radiation:
        crystals = crystals_of(table)
        inputs.append(fit.simulate_other_radiation(model, crystals, inputs[0], seeds))
    formulas = table["formula"].to_pylist()
    names = [f"{name} {text}" for name, text in zip(part.ids, formulas, strict=True)]
    neighbours = fit.neighbours_of(model, inputs, part.y, names)
    chosen = box_part(validation, box, [0]) if box else validation
    formulas = read_formulas(CRYSTALS, chosen.ids)
    return fit.with_neighbours(model, neighbours, chosen.g, chosen.y, formulas)
