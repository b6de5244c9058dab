"""The data set: which crystals of a table it consists of, and what goes beside it."""

from collections.abc import Callable, Iterator, Set
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gromega._util.parallel import open_processes, ordered_map
from gromega.crystals.crystal import ISOTOPE
from gromega.crystals.generate.recipe import SyntheticRecipe
from gromega.crystals.generate.synthetic import synthesize
from gromega.crystals.space_groups import all_classes, class_of, most_populated
from gromega.crystals.symmetry import structure_types
from gromega.crystals.table import crystals_of, read_table, row_batches, to_table

# Synthetic crystals of the data set itself have the seed of their recipe.
AUGMENTATION_SEED = 1_000_003
_BATCH = 256
_LABELS = ("id", "space_group", "space_group_loose", "observed")


@dataclass(frozen=True, eq=False)
class Selection:
    """Which rows of a table are used for what. Each mask has the shape (n,)."""

    dataset: NDArray[np.bool_]
    # Crystals of the same space groups that only theory predicts, to train on as well.
    augmentation: NDArray[np.bool_]
    other_groups: NDArray[np.bool_]
    # The classes of space groups to learn, in ascending order.
    groups: tuple[int, ...]
    n_invisible: int  # crystals left out because an element does not scatter


def choose_dataset(
    table: pa.Table, groups: int | None = 45, observed: bool = True
) -> NDArray[np.bool_]:
    """Return the mask of the crystals that make up the data set, (n,).

    They have the same space group at both tolerances, belong to the most populated
    classes of space groups, or to any if `groups` is None, and if `observed` are known
    from experiment. Of two classes of the same size, the lower number comes first. The
    table needs ids and labels only. Raise ValueError if a space group is outside 1 to
    230, or no crystal is left.
    """
    labels = np.asarray(table["space_group"])
    wrong = np.flatnonzero((labels < 1) | (labels > 230))
    if wrong.size:
        row = int(wrong[0])
        raise ValueError(
            f"the space group of {table['id'][row].as_py()!r} must be from 1 to 230, "
            f"got {labels[row]}; correct or remove this crystal."
        )
    keep: NDArray[np.bool_] = labels == np.asarray(table["space_group_loose"])
    if observed:
        keep &= np.asarray(table["observed"])
    if groups is not None:
        keep &= np.isin(
            class_of(labels), most_populated(class_of(labels[keep]), groups)
        )
    if not keep.any():
        raise ValueError(
            "no crystal is left: none has the same space group at both tolerances"
            + (" and is marked as observed." if observed else ".")
        )
    return keep


def select_crystals(
    path: Path,
    groups: int | None,
    observed: bool,
    theoretical: bool,
    invisible: Set[int] = frozenset(),
) -> Selection:
    """Select the crystals of the data set, for augmentation, and of other groups.

    `groups` and `observed` are as in `choose_dataset`; `observed` holds for the other
    groups too. `theoretical` selects crystals for augmentation. Crystals with an
    `invisible` nuclide, one without a scattering length, are left out.
    """
    visible = np.array(
        [
            invisible.isdisjoint(atoms)
            for batch in row_batches(path, ["numbers", "masses"])
            for atoms in _nuclides(batch)
        ],
        dtype=bool,
    )
    labels = read_table(path, _LABELS)
    dataset = visible.copy()
    dataset[visible] = choose_dataset(
        labels.filter(pa.array(visible)), groups, observed
    )
    numbers = np.asarray(labels["space_group"])
    stable = numbers == np.asarray(labels["space_group_loose"])
    chosen = all_classes() if groups is None else np.unique(class_of(numbers[dataset]))
    in_groups = np.isin(class_of(numbers), chosen)
    augmentation = visible & ~dataset & stable & in_groups & theoretical
    other_groups = visible & stable & ~in_groups
    if observed:
        other_groups &= np.asarray(labels["observed"])
    return Selection(
        dataset,
        augmentation,
        other_groups,
        tuple(map(int, chosen)),
        int((~visible).sum()),
    )


def _nuclides(table: pa.Table) -> Iterator[list[int]]:
    """Yield the nuclides of each row, see `Crystal.nuclides`."""
    masses = table["masses"].to_pylist()
    for numbers, isotopes in zip(table["numbers"].to_pylist(), masses, strict=True):
        pairs = zip(numbers, isotopes or [0] * len(numbers), strict=True)
        yield [number + ISOTOPE * mass for number, mass in pairs]


def selected_rows(path: Path, keep: NDArray[np.bool_]) -> Iterator[pa.Table]:
    """Read the rows of a mask, (n,), in batches, with formulas made from the atoms."""
    start = 0
    for table in row_batches(path, rows=_BATCH):
        kept = table.filter(pa.array(keep[start : start + table.num_rows]))
        yield _replace(kept, "formula", [x.formula for x in crystals_of(kept)])
        start += table.num_rows


def labelled_rows(
    path: Path,
    keep: NDArray[np.bool_],
    source: str,
    progress: Callable[[int], None] | None = None,
) -> Iterator[pa.Table]:
    """Read the rows of a mask, (n,), in batches, with structure types and a source.

    The source is that of rows that name none. `progress` is called with the number of
    rows finished since the last call.
    """
    batches = selected_rows(path, keep)
    with open_processes() if keep.sum() > _BATCH else nullcontext() as pool:
        find = partial(ordered_map, pool) if pool else map
        for table in find(fill_structure_types, batches):
            named = [name or source for name in table["source"].to_pylist()]
            yield _replace(table, "source", named)
            if progress:
                progress(table.num_rows)


def fill_structure_types(table: pa.Table) -> pa.Table:
    """Return a table with all structure types; empty where spglib finds no group."""
    found = table["structure_type"].to_pylist()
    missing = [row for row, key in enumerate(found) if not key]
    if not missing:
        return table
    keys = structure_types(crystals_of(table.take(missing)))
    for row, key in zip(missing, keys, strict=True):
        found[row] = key
    return _replace(table, "structure_type", found)


def _replace(table: pa.Table, name: str, values: list[str]) -> pa.Table:
    column = table.column_names.index(name)
    return table.set_column(column, table.field(name), pa.array(values, pa.string()))


def synthetic_augmentation(
    groups: tuple[int, ...],
    crystals_per_group: int,
    progress: Callable[[int], None] | None = None,
) -> Iterator[pa.Table]:
    """Make synthetic crystals of some space groups to train on beside the data set.

    Their ids and their seed differ from those of a synthetic data set. `progress` is
    called with the number of crystals finished since the last call.
    """
    recipe = SyntheticRecipe(groups, crystals_per_group, AUGMENTATION_SEED)
    with open_processes() as pool:
        for made in synthesize(recipe, pool):
            crystals, numbers = zip(*made, strict=True)
            table = to_table(crystals, numbers, source="synthetic")
            names = [f"augmentation-{crystal.id}" for crystal in crystals]
            yield fill_structure_types(_replace(table, "id", names))
            if progress:
                progress(len(made))
