"""Stage: the part of each crystal, for training, validation or test."""

from collections import Counter

import numpy as np

from gromega._util.progress import console
from gromega.crystals.space_groups import class_of
from gromega.crystals.table import read_table
from gromega.lake.splits import PARTS, draw_split, keys_of, write_split
from gromega.params import Params
from gromega.pipeline.paths import CRYSTALS, SPLIT


def split(params: Params) -> None:
    """Make data/split.parquet."""
    section = params.split
    table = read_table(CRYSTALS, ["id", "formula", "structure_type", "space_group"])
    ids, groups = table["id"].to_pylist(), class_of(np.asarray(table["space_group"]))
    keys = keys_of(table, section.scheme)
    parts = draw_split(
        keys, groups, section.test, section.validation, section.seed,
        rare=params.crystals.n_groups is None,
    )  # fmt: skip
    write_split(SPLIT, ids, groups, parts, section.scheme, section.seed)
    counts = Counter(parts.tolist())
    console.print(", ".join(f"{counts[part]} {part}" for part in PARTS))
