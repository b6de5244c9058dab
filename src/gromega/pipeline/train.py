"""Stage: the network is trained."""

import shutil
from contextlib import closing
from pathlib import Path

from gromega._util.files import write_json
from gromega._util.parallel import keep_memory
from gromega._util.progress import progress_bar, training_bar
from gromega.lake.splits import read_part
from gromega.model.io import load_model, save_model
from gromega.params import Params
from gromega.pipeline.parts import box_part, part_of
from gromega.pipeline.paths import AUGMENTATION, CRYSTALS, METRICS, SPLIT, TRAINED
from gromega.registry.start import check_start
from gromega.training.devices import is_first, join_processes
from gromega.training.history import write_history
from gromega.training.inputs import FixedInputs, TrainingInputs
from gromega.training.prepare import (
    TrainingFiles,
    groups_to_learn,
    types_of_released,
    variant_inputs,
)
from gromega.training.recipes import recipe_of
from gromega.training.run import TrainingData, run_training


def train(params: Params) -> None:
    """Make models/trained, metrics/training.csv and metrics/train.json.

    A stopped training continues, and one whose rate does not depend on the number of
    epochs goes on after its last epoch. Of several processes, the first one writes.
    """
    keep_memory()
    join_processes()
    recipe = recipe_of(params.train)
    if params.train.from_model:
        check_start(Path(params.train.start), SPLIT, CRYSTALS)
    files = TrainingFiles(CRYSTALS, SPLIT, AUGMENTATION)
    groups = groups_to_learn(recipe, files)
    validation = part_of("validation", groups)
    test_ids, _ = read_part(SPLIT, "test")
    inputs: TrainingInputs
    types = types_before = training_part = None
    if recipe.variants:
        with progress_bar("symmetry", None) as advance:
            inputs, types = variant_inputs(recipe, params, groups, files, advance)
        if types and params.train.from_model:
            model = load_model(Path(params.train.start))
            types_before = types_of_released(model, files)
            training_part = part_of("train", groups)
    else:
        inputs = FixedInputs(part_of("train", groups), recipe.stretch)
    box = box_part(validation, recipe.box, [0]) if recipe.box else None
    data = TrainingData(
        groups, inputs, types, validation, box, test_ids, files, types_before,
        training_part,
    )  # fmt: skip
    with closing(inputs), training_bar(params.train.epochs) as show:
        result = run_training(recipe, params, data, show)
    if is_first():
        save_model(TRAINED, result.model)
        write_history(METRICS / "training.csv", result.history)
        write_json(METRICS / "train.json", result.summary)
        if not recipe.in_parts:
            shutil.rmtree(result.folder, ignore_errors=True)
