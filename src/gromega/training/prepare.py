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
from gromega.model.model import Model
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


@dataclass(frozen=True)
class StructureTypes:
    """The structure types that are the classes of a network.

    The name of each, empty for the rest of a space group, and its group, (n_types,), an
    index into the groups of the model.
    """

    names: tuple[str, ...]
    groups: NDArray[np.int64]

    def keys(self, space_groups: NDArray[np.int64]) -> list[tuple[int, str]]:
        """Return the space group number and the name of each type."""
        return list(zip(space_groups[self.groups].tolist(), self.names, strict=True))


def groups_to_learn(recipe: Recipe, files: TrainingFiles) -> NDArray[np.int64]:
    """Return the classes of space groups of the training crystals, ascending."""
    return np.unique(_crystals(files, recipe.augmentation, ["space_group"])[1])


def _crystals(
    files: TrainingFiles, augmentation: bool, columns: Sequence[str] = SCHEMA.names
) -> tuple[pa.Table, NDArray[np.int64], int]:
    """Return the training crystals, their classes of space groups, (n,), and a number.

    They are those of the training part, whose number this is, and then, with
    augmentation, the augmentation crystals that `unrelated` allows.
    """
    ids, labels = read_part(files.split, "train")
    table = rows_of(read_table(files.crystals, sorted({"id", *columns})), ids)
    if augmentation:
        more = read_table(files.augmentation, sorted({"id", *columns}))
        allowed = unrelated(files.split, files.crystals, files.augmentation)
        more = more.filter(pa.array(allowed, pa.bool_()))
        table = pa.concat_tables([table, more])
        labels = np.concatenate([labels, class_of(np.asarray(more["space_group"]))])
    return table, labels, ids.size


def variant_inputs(
    recipe: Recipe,
    params: Params,
    groups: NDArray[np.int64],
    files: TrainingFiles,
    progress: Callable[[int], None] | None = None,
) -> tuple[VariantInputs, StructureTypes | None]:
    """Return the inputs of a recipe with variants, and its structure types.

    The inputs are variants of the training part and, if the recipe says so, of the
    augmentation crystals that `unrelated` allows. The space groups of the model are
    `groups`, (n_groups,); the types are None if these are the classes of the network.
    `progress` is called with the number of crystals finished since its last call. Pair
    spectra that are too short for the conditions of the recipe are a ValueError.
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
    table, labels, n_own = _crystals(files, recipe.augmentation)
    y = classes(groups, labels)
    type_of = found = None
    if recipe.type_weight:
        type_of, found = type_classes(table["structure_type"].to_pylist(), y, n_own)
    inputs = VariantInputs(
        np.array(table["id"].to_pylist(), dtype=str),
        with_symmetry(crystals_of(table), WORK, progress),
        y,
        recipe.box or Box.around(params.reference),
        recipe.variants,
        params.train.seed,
        radiation=params.reference.radiation,
        types=type_of,
        n_augmentation=y.size - n_own,
        stretch=recipe.stretch,
        reference=params.reference,
        epochs=params.train.epochs,
        defects=recipe.defects,
    )
    return inputs, found


def type_classes(
    types: Sequence[str], y: NDArray[np.int64], n_own: int
) -> tuple[NDArray[np.int64], StructureTypes]:
    """Return the class of each crystal, (n,), and the structure types of the classes.

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
    return classes, StructureTypes(
        tuple(name for _, name in index), np.array([group for group, _ in index])
    )


def types_of_training(
    recipe: Recipe, groups: NDArray[np.int64], files: TrainingFiles
) -> StructureTypes:
    """Return the structure types that are the classes of a network of this training.

    The space groups of the model are `groups`, (n_groups,).
    """
    columns = ["space_group", "structure_type"]
    table, labels, n_own = _crystals(files, recipe.augmentation, columns)
    types = table["structure_type"].to_pylist()
    return type_classes(types, classes(groups, labels), n_own)[1]


def types_of_released(model: Model, files: TrainingFiles) -> StructureTypes | None:
    """Return the structure types of a released model that was trained on these files.

    A model does not carry the names of its types. They are those of its training
    crystals: those of its space groups here, but for synthetic ones. If the types of
    these do not have the space groups of its types, in their order, it was trained on
    others, and None is returned.
    """
    stated = model.weights.get("group_of_type")
    if stated is None:
        return None
    columns = ["space_group", "structure_type", "source"]
    table, labels, n_own = _crystals(files, True, columns)
    used = np.isin(labels, model.space_groups)
    used[n_own:] &= np.array(table["source"].to_pylist()[n_own:], str) != "synthetic"
    types = table.filter(pa.array(used))["structure_type"].to_pylist()
    y = classes(model.space_groups, labels[used])
    _, found = type_classes(types, y, int(used[:n_own].sum()))
    return found if np.array_equal(found.groups, stated) else None
