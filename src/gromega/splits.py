"""Splits: which crystals a model learns from, is chosen by, and is tested on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

from gromega.crystals.table import write_table

PARTS = ("train", "validation", "test")
SCHEMES = ("random",)


def random_split(
    ids: ArrayLike,
    space_groups: ArrayLike,
    test: float = 0.2,
    validation: float = 0.1,
    seed: int = 0,
) -> NDArray[np.str_]:
    """Return the part of each crystal, (n,), drawn at random within each group.

    The split of a group depends on its ids and the seed, not on their order.

    Parameters
    ----------
    ids
        The ids of the crystals, n of them.
    space_groups
        Their space groups.
    test
        The share of each group that goes to the test part.
    validation
        The share of what remains that goes to the validation part.
    seed
        The seed.

    Raises
    ------
    ValueError
        If a share is not between 0 and 1, or a group is too small for three parts.
    """
    for name, share in (("test", test), ("validation", validation)):
        if not 0 < share < 1:
            raise ValueError(f"split.{name} must be between 0 and 1, got {share:g}.")
    names, groups = np.asarray(ids, dtype=str), np.asarray(space_groups)
    parts = np.full(names.shape, "train", dtype="<U10")
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        if members.size < 3:
            raise ValueError(
                f"space group {group} has {members.size} crystals; each group needs "
                "at least 3, one for each part. Lower crystals.groups."
            )
        members = members[np.argsort(names[members], kind="stable")]
        members = np.random.default_rng([seed, int(group)]).permutation(members)
        n_test = min(max(round(test * members.size), 1), members.size - 2)
        n_rest = members.size - n_test
        n_validation = min(max(round(validation * n_rest), 1), n_rest - 1)
        parts[members[:n_test]] = "test"
        parts[members[n_test : n_test + n_validation]] = "validation"
    return parts


def write_split(
    path: Path,
    ids: Sequence[str],
    space_groups: ArrayLike,
    parts: ArrayLike,
    scheme: str,
    seed: int,
) -> None:
    """Write a split with the columns id, space_group, part, scheme, seed."""
    table = pa.table(
        {
            "id": pa.array(ids, pa.string()),
            "space_group": pa.array(np.asarray(space_groups), pa.int16()),
            "part": pa.array(np.asarray(parts), pa.string()).dictionary_encode(),
            "scheme": pa.array([scheme] * len(ids)).dictionary_encode(),
            "seed": pa.array([seed] * len(ids), pa.int64()),
        }
    )
    write_table(table, path)


def read_part(path: Path, part: str) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    """Return the ids and the space groups of one part of a split, each (n,).

    Raises
    ------
    ValueError
        If there is no such part.
    """
    if part not in PARTS:
        raise ValueError(
            f"there is no part {part!r}; the parts are {', '.join(PARTS)}."
        )
    table = pq.read_table(path)
    chosen = table.filter(pa.array(np.asarray(table["part"].cast(pa.string())) == part))
    ids = np.array(chosen["id"].to_pylist(), dtype=str)
    return ids, np.asarray(chosen["space_group"], dtype=np.int64)
