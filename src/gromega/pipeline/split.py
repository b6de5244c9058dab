"""Stage `split`: the part of each crystal."""

import numpy as np

from gromega._util.progress import console
from gromega.crystals.table import read_table
from gromega.lake import splits
from gromega.params import Params
from gromega.pipeline.paths import CRYSTALS, SPLIT


def split(params: Params) -> None:
    """Make data/split.parquet."""
    wanted = params.split
    if wanted.scheme not in splits.SCHEMES:
        raise ValueError(
            f"there is no split scheme {wanted.scheme!r}; the schemes are "
            f"{', '.join(splits.SCHEMES)}."
        )
    table = read_table(CRYSTALS, ["id", "formula", "structure_type", "space_group"])
    ids, groups = table["id"].to_pylist(), np.asarray(table["space_group"])
    kinds = table[splits.SCHEMES[wanted.scheme]].to_pylist()
    # A crystal without a structure type is a family of its own.
    keys = [kind or name for kind, name in zip(kinds, ids, strict=True)]
    parts = splits.draw_split(keys, groups, wanted.test, wanted.validation, wanted.seed)
    splits.write_split(SPLIT, ids, groups, parts, wanted.scheme, wanted.seed)
    counts = [f"{np.count_nonzero(parts == part)} {part}" for part in splits.PARTS]
    console.print(", ".join(counts))
