"""Stage: the trained model gets its neighbours, calibration and test crystals."""

from gromega.crystals.table import crystals_of, read_formulas, read_table, rows_of
from gromega.lake.spectra import read_spectra
from gromega.lake.splits import read_part
from gromega.model import fit
from gromega.model.io import load_model, save_model
from gromega.params import Params
from gromega.pipeline import paths
from gromega.pipeline.parts import box_part, part_of
from gromega.training.recipes import get_recipe


def calibrate(params: Params) -> None:
    """Make models/current: the trained network, its neighbours and calibration."""
    model = load_model(paths.TRAINED, compiled=True)
    recipe, table = get_recipe(params.train.recipe), read_table(paths.CRYSTALS)
    validation = part_of("validation", model.space_groups)
    where, part = "the reference", validation
    if recipe.neighbours:
        known = part_of("train", model.space_groups)
        neighbours = fit.neighbours_of(
            model, crystals_of(rows_of(table, known.ids)), known.g, known.y,
            *read_spectra(paths.SPECTRA, known.ids), recipe.neighbours,
            bool(recipe.variants and recipe.variants.other_radiation),
        )  # fmt: skip
        chosen = box_part(validation, model.box, [0]) if model.box else validation
        formulas = read_formulas(paths.CRYSTALS, chosen.ids)
        model = fit.with_neighbours(model, neighbours, chosen.g, chosen.y, formulas)
    if model.box:
        where = f"{len(fit.CALIBRATION_SEEDS)} conditions of the box each"
        part = box_part(validation, model.box, fit.CALIBRATION_SEEDS)
    fitted_on = f"{validation.y.size} validation crystals at {where}"
    formulas = read_formulas(paths.CRYSTALS, part.ids)
    model = fit.with_calibration(model, part.g, part.y, formulas, fitted_on)
    others = read_table(paths.OTHER_GROUPS)
    if n := others.num_rows:
        share = n / (n + table.num_rows)
        crystals = crystals_of(others.take(fit.choose_other_groups(n)))
        model = fit.with_other_groups(
            model, part.g, formulas, crystals, share, params.reference
        )
    ids, labels = read_part(paths.SPLIT, "test")
    rows = fit.choose_test_crystals(ids.size)
    crystals = crystals_of(rows_of(table, ids[rows]))
    save_model(paths.MODEL, fit.with_test_crystals(model, crystals, labels[rows]))
