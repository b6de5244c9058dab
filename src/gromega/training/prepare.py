"""The inputs of a training on variants, from the crystals of the lake."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gromega.conditions import Box
from gromega.crystals.generate.templates import with_symmetry
from gromega.crystals.space_groups import class_of
from gromega.crystals.table import SCHEMA, crystals_of, read_table, rows_of
from gromega.lake.splits import read_part, unrelated
from gromega.networks.logits import classes
from gromega.params import Params
from gromega.pdf.bins import DMAX
from gromega.pdf.operator import reach
from gromega.training.checkpoint import WORK
from gromega.training.recipes import Recipe
from gromega.training.variant_inputs import VariantInputs


@dataclass(frozen=True)
class TrainingFiles:
    """The files with the crystals of a training."""

    crystals: Path  # the table of all crystals of the split
    split: Path
    augmentation: Path  # the table of augmentation crystals

    def used_by(self, recipe: Recipe) -> list[Path]:
        """Return the files on which the training crystals of a recipe depend."""
        augmentation = [self.augmentation] if recipe.augmentation else []
        return [self.crystals, self.split, *augmentation]


def groups_to_learn(recipe: Recipe, files: TrainingFiles) -> NDArray[np.int64]:
    """Return the classes of space groups of the training crystals, ascending.

    They are those of the training part and, if the recipe trains on augmentation
    crystals, of those that `unrelated` allows.
    """
    labels = read_part(files.split, "train")[1]
    if recipe.augmentation:
        more = np.asarray(_allowed(files, ["space_group"])["space_group"])
        labels = np.concatenate([labels, class_of(more)])
    return np.unique(labels)


def _allowed(files: TrainingFiles, columns: Sequence[str] = SCHEMA.names) -> pa.Table:
    """Return the augmentation crystals that may be in the training."""
    allowed = unrelated(files.split, files.crystals, files.augmentation)
    return read_table(files.augmentation, columns).filter(pa.array(allowed, pa.bool_()))


def variant_inputs(
    recipe: Recipe,
    params: Params,
    groups: NDArray[np.int64],
    files: TrainingFiles,
    progress: Callable[[int], None] | None = None,
) -> tuple[VariantInputs, NDArray[np.int64] | None]:
    """Return the inputs of a recipe with variants, and the group of each type.

    The inputs are variants of the training part and, if the recipe says so, of the
    augmentation crystals that `unrelated` allows. The groups, (n_types,), are indices
    into `groups`, the space groups of the model, (n_groups,); they are None if the
    classes of the network are space groups. `progress` is called with the number of
    crystals finished since its last call. Pair spectra that are too short for the
    conditions of the recipe are a ValueError.
    """
    if recipe.variants is None:
        raise ValueError(f"the recipe {params.train.recipe} has no variants.")
    longest = max(DMAX if recipe.box else 0.0, reach(params.reference))
    if longest > min(DMAX, params.spectra.dmax):
        raise ValueError(
            f"the recipe {params.train.recipe} needs distances up to {longest:.2f} Å, "
            f"but pair spectra of variants end at {DMAX:g} Å and those of the lake at "
            f"{params.spectra.dmax:g} Å; lower reference.rmax, or raise spectra.dmax."
        )
    ids, labels = read_part(files.split, "train")
    table = rows_of(read_table(files.crystals), ids)
    crystals, types = crystals_of(table), table["structure_type"].to_pylist()
    n_own = len(types)
    if recipe.augmentation:
        more = _allowed(files)
        crystals += crystals_of(more)
        types += more["structure_type"].to_pylist()
        ids = np.concatenate([ids, np.array(more["id"].to_pylist(), dtype=str)])
        more_labels = class_of(np.asarray(more["space_group"]))
        labels = np.concatenate([labels, more_labels])
    y = classes(groups, labels)
    type_of = group_of_type = None
    if recipe.type_weight:
        type_of, group_of_type = type_classes(types, y, n_own)
    inputs = VariantInputs(
        ids,
        with_symmetry(crystals, WORK, progress),
        y,
        recipe.box or Box.around(params.reference),
        recipe.variants,
        params.train.seed,
        radiation=params.reference.radiation,
        types=type_of,
        n_augmentation=len(types) - n_own,
        stretch=recipe.stretch,
        reference=params.reference,
        epochs=params.train.epochs,
        defects=recipe.defects,
    )
    return inputs, group_of_type


def type_classes(
    types: Sequence[str], y: NDArray[np.int64], n_own: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the class of each crystal, (n,), and the group of each class, (n_types,).

    Every structure type of a crystal of the split is a class, and so is any other that
    at least two crystals have. The remaining crystals of each space group are in one
    class. Of the types and space groups y of the crystals, (n,), those of the `n_own`
    crystals of the split come first.
    """
    counts = Counter(types)
    known = set(types[:n_own]) | {name for name, count in counts.items() if count > 1}
    keys = [
        (int(group), name if name in known else "")
        for name, group in zip(types, y, strict=True)
    ]
    index = {key: k for k, key in enumerate(sorted(set(keys)))}
    classes = np.array([index[key] for key in keys])
    return classes, np.array([group for group, _ in index])
