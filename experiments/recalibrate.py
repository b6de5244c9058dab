"""Calibrate a released model again, with the calibration of this version.

    python experiments/recalibrate.py models/spacegroup RUN OUT

RUN is a folder where the pipeline ran up to the stage simulate, with the split of the
model's training. OUT gets the model with all its arrays, but with new calibrations, as
the stage calibrate makes them. The probability of groups outside the model's is that of
the released model.
"""

import argparse
import contextlib
from dataclasses import replace
from pathlib import Path

from gromega.crystals.table import read_formulas
from gromega.lake.splits import read_relatives
from gromega.model import fit
from gromega.model.io import load_model, save_model
from gromega.pipeline import paths
from gromega.pipeline.parts import box_part, part_of


def main() -> None:
    """Write the model."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    model, out = load_model(options.model), options.out.absolute()
    with contextlib.chdir(options.run):
        save_model(out, recalibrated(model))


def recalibrated(released):
    """Return a model with new calibrations, from the data of the current folder."""
    validation = part_of("validation", released.space_groups)
    part = box_part(validation, released.box, fit.CALIBRATION_SEEDS)
    formulas = read_formulas(paths.CRYSTALS, part.ids)
    is_new = read_relatives(paths.CRYSTALS, paths.SPLIT, part.ids) == 0
    fitted_on = (
        f"{validation.y.size} validation crystals at {len(fit.CALIBRATION_SEEDS)} "
        "conditions of the box each"
    )
    model = fit.with_calibration(released, part.g, part.y, formulas, is_new, fitted_on)
    return with_other_groups_of(released, model)


def with_other_groups_of(released, model):
    """Return a model with the fits of groups outside its own of the released one."""
    changed = {
        name: replace(
            getattr(model, name), other_groups=getattr(released, name).other_groups
        )
        for name in ("calibration", "calibration_with_composition")
    }
    return replace(model, **changed)


if __name__ == "__main__":
    main()
