"""Facts about the test crystals, by which the report splits the accuracy."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gromega.crystals.table import read_table
from gromega.lake.splits import read_part


@dataclass(frozen=True)
class CrystalFacts:
    """Facts about the n test crystals.

    Space groups, atoms per cell and training crystals of the same structure type are
    (n,); `n_train` are the training crystals of each group of the model, (n_groups,).
    """

    space_groups: NDArray[np.int64]
    atoms: NDArray[np.int64]
    isostructural: NDArray[np.int64]
    n_train: NDArray[np.int64]
    scheme: str
    source: str


def read_facts(crystals: Path, split: Path, scheme: str, source: str) -> CrystalFacts:
    """Return the facts about the test part of a split, from the table of crystals."""
    ids, space_groups = read_part(split, "test")
    train_ids, train_groups = read_part(split, "train")
    table = read_table(crystals, ["id", "numbers", "structure_type"])
    rows = {row["id"]: row for row in table.to_pylist()}
    n_of_type = Counter(rows[name]["structure_type"] for name in train_ids)
    # An empty structure type is unknown, and shared by no two crystals.
    n_of_type.pop("", None)
    tested = [rows[name] for name in ids]
    return CrystalFacts(
        space_groups,
        np.array([len(row["numbers"]) for row in tested]),
        np.array([n_of_type[row["structure_type"]] for row in tested]),
        np.unique(train_groups, return_counts=True)[1],
        scheme,
        source,
    )
