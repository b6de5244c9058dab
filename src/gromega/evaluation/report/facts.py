"""Facts about the test crystals, by which the report splits the accuracy."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gromega.crystals.table import read_table, rows_of
from gromega.lake.splits import read_benchmark, read_part, read_relatives


@dataclass(frozen=True)
class CrystalFacts:
    """Facts about the n test crystals of the benchmark.

    Space groups, atoms per cell and training crystals of the same structure type are
    (n,); `n_train` are the training crystals of each group, (n_groups,).
    """

    space_groups: NDArray[np.int64]
    atoms: NDArray[np.int64]
    isostructural: NDArray[np.int64]
    n_train: NDArray[np.int64]
    scheme: str
    source: str
    # Of all test crystals, (n_all,): the space groups, and the number of training
    # crystals of each.
    all_groups: NDArray[np.int64]
    all_n_train: NDArray[np.int64]


def read_facts(crystals: Path, split: Path, scheme: str, source: str) -> CrystalFacts:
    """Return the facts about the benchmark of a split, from the table of crystals."""
    ids, space_groups = read_benchmark(split, "test")
    _, train_groups = read_benchmark(split, "train")
    _, tested = read_part(split, "test")
    trained = Counter(read_part(split, "train")[1].tolist())
    numbers = rows_of(read_table(crystals, ["id", "numbers"]), ids)["numbers"]
    return CrystalFacts(
        space_groups,
        np.array([len(each) for each in numbers.to_pylist()]),
        read_relatives(crystals, split, ids),
        np.unique(train_groups, return_counts=True)[1],
        scheme,
        source,
        tested,
        np.array([trained[group] for group in tested.tolist()], np.int64),
    )
