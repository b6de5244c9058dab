"""Stage: the trained model gets its neighbours, calibration and test crystals."""

from concurrent.futures import Executor
from dataclasses import replace

from gromega._util.parallel import open_cluster
from gromega.crystals.table import crystals_of, read_formulas, read_table, rows_of
from gromega.lake.spectra import read_spectra
from gromega.lake.splits import read_part, read_relatives
from gromega.model import fit
from gromega.model.cell_size import fit_cell_sizes
from gromega.model.io import load_model, save_model
from gromega.model.model import Model
from gromega.params import Params
from gromega.pipeline import paths
from gromega.pipeline.parts import box_part, part_of
from gromega.training.prepare import TrainingFiles, types_of_training
from gromega.training.recipes import get_recipe


def calibrate(params: Params) -> None:
    """Make models/current: the trained network, its neighbours and calibration.

    A cluster computes the network if `DASK_SCHEDULER_ADDRESS` names one.
    """
    with open_cluster() as pool:
        save_model(paths.MODEL, _calibrated(params, pool))


def _calibrated(params: Params, pool: Executor | None) -> Model:
    model = load_model(paths.TRAINED, compiled=True)
    recipe, table = get_recipe(params.train.recipe), read_table(paths.CRYSTALS)
    validation = part_of("validation", model.space_groups)
    where, part = "the reference", validation
    if recipe.neighbours:
        known = part_of("train", model.space_groups)
        crystals = crystals_of(rows_of(table, known.ids))
        if recipe.type_weight:
            files = TrainingFiles(paths.CRYSTALS, paths.SPLIT, paths.AUGMENTATION)
            types = types_of_training(recipe, model.space_groups, files)
            sizes = fit_cell_sizes(types.names, crystals)
            model = replace(model, cell_sizes=sizes)
        neighbours = fit.neighbours_of(
            model, crystals, known.g, known.y,
            *read_spectra(paths.SPECTRA, known.ids), recipe.neighbours,
            bool(recipe.variants and recipe.variants.other_radiation), pool,
        )  # fmt: skip
        chosen = validation
        if model.box:
            chosen = box_part(validation, model.box, [0], pool)
        formulas = read_formulas(paths.CRYSTALS, chosen.ids)
        model = fit.with_neighbours(
            model, neighbours, chosen.g, chosen.y, formulas, pool
        )
    if model.box:
        where = f"{len(fit.CALIBRATION_SEEDS)} conditions of the box each"
        part = box_part(validation, model.box, fit.CALIBRATION_SEEDS, pool)
    fitted_on = f"{validation.y.size} validation crystals at {where}"
    formulas = read_formulas(paths.CRYSTALS, part.ids)
    is_new = read_relatives(paths.CRYSTALS, paths.SPLIT, part.ids) == 0
    model = fit.with_calibration(
        model, part.g, part.y, formulas, is_new, fitted_on, pool
    )
    model = fit.with_unlike(model, part.g, is_new)
    others = read_table(paths.OTHER_GROUPS)
    if n := others.num_rows:
        share = n / (n + table.num_rows)
        crystals = crystals_of(others.take(fit.choose_other_groups(n)))
        model = fit.with_other_groups(
            model, part.g, formulas, crystals, share, params.reference, pool
        )
    ids, labels = read_part(paths.SPLIT, "test")
    rows = fit.choose_test_crystals(ids.size)
    crystals = crystals_of(rows_of(table, ids[rows]))
    relatives = read_relatives(paths.CRYSTALS, paths.SPLIT, ids[rows])
    return fit.with_test_crystals(model, crystals, labels[rows], relatives)
