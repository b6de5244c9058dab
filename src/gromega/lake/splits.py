"""Splits: which crystals a model learns from, is chosen by, and is tested on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

from gromega._util.files import check_there
from gromega.crystals.table import read_table, write_table

PARTS = ("train", "validation", "test")
SCHEMES = {
    "random": "id",
    "formula": "formula",
    "structure-type": "structure_type",
}
"""The ways to split, and the column of the table whose values a split keeps whole."""


def draw_split(
    keys: ArrayLike,
    space_groups: ArrayLike,
    test: float = 0.2,
    validation: float = 0.1,
    seed: int = 0,
) -> NDArray[np.str_]:
    """Return the part of each crystal, (n,), drawn at random within each group.

    Crystals of one key stay together. A key joins a part if it brings the part nearer
    to its share of the group, so that keys of many crystals tend to be trained on. The
    split depends on keys and seed, not on the order of crystals.

    Parameters
    ----------
    keys
        The key of each crystal, n of them: its id, formula or structure type.
    space_groups
        The space groups, n of them.
    test
        The share of each group that goes to the test part.
    validation
        The share of what remains that goes to the validation part.
    seed
        The seed.

    Raises
    ------
    ValueError
        If a share is not between 0 and 1, or a group has crystals in less than all
        three parts, as when it has too few keys.
    """
    for name, share in (("test", test), ("validation", validation)):
        if not 0 < share < 1:
            raise ValueError(f"split.{name} must be between 0 and 1, got {share:g}.")
    names, key_of = np.unique(np.asarray(keys, dtype=str), return_inverse=True)
    groups = np.asarray(space_groups)
    part_of = np.full(names.size, "", dtype="<U10")
    # A formula may have crystals in several groups: the smallest group goes first.
    numbers, counts = np.unique(groups, return_counts=True)
    for group in numbers[np.lexsort((numbers, counts))]:
        inside = np.bincount(key_of[groups == group], minlength=names.size)
        order = np.random.default_rng([seed, int(group)]).permutation(
            np.flatnonzero(inside)
        )
        rest = inside.sum()
        for spare, (part, share) in zip(
            (2, 1), (("test", test), ("validation", validation)), strict=True
        ):
            target = round(share * rest)
            taken = inside[part_of == part].sum()
            free = [key for key in order if not part_of[key]]
            chosen = _fill(free, inside, max(target, 1) - taken, spare)
            part_of[chosen] = part
            rest -= taken + inside[chosen].sum()
        part_of[(inside > 0) & (part_of == "")] = "train"
    parts = part_of[key_of]
    for group, count in zip(numbers, counts, strict=True):
        missing = set(PARTS) - set(parts[groups == group].tolist())
        if missing:
            n_keys = np.unique(key_of[groups == group]).size
            raise ValueError(
                f"space group {group}, {count} crystals of {n_keys} kinds, leaves "
                f"nothing for {', '.join(sorted(missing))}; each group needs at least "
                "3 kinds, one for each part. Lower crystals.groups."
            )
    return parts


def _fill(
    keys: list[int], sizes: NDArray[np.int64], target: int, spare: int
) -> list[int]:
    """Return keys whose sizes come near to a target, and leave some keys to spare."""
    chosen: list[int] = []
    count = 0
    for key in keys:
        if len(keys) - len(chosen) <= spare:
            break
        if abs(count + sizes[key] - target) < abs(count - target):
            chosen.append(key)
            count += sizes[key]
    if not chosen and target > 0 and len(keys) > spare:
        chosen = [min(keys, key=lambda key: sizes[key])]
    return chosen


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
    FileNotFoundError
        If there is no split.
    ValueError
        If there is no such part.
    """
    if part not in PARTS:
        raise ValueError(
            f"there is no part {part!r}; the parts are {', '.join(PARTS)}."
        )
    check_there(path)
    table = pq.read_table(path)
    chosen = table.filter(pa.array(np.asarray(table["part"].cast(pa.string())) == part))
    ids = np.array(chosen["id"].to_pylist(), dtype=str)
    return ids, np.asarray(chosen["space_group"], dtype=np.int64)


def unrelated(split: Path, crystals: Path, extra: Path) -> NDArray[np.bool_]:
    """Return which of some extra crystals may be trained on, (n_extra,).

    May not: those of the same formula and structure type as a crystal of the test or
    the validation part, which are most likely the same; and those of a formula or a
    structure type of these parts where the split keeps such together.

    Parameters
    ----------
    split
        The split, as `write_split` writes it.
    crystals
        The table of its crystals.
    extra
        The table of extra crystals.
    """
    parts = pq.read_table(split, columns=["id", "part", "scheme"])
    held = np.asarray(parts["part"].cast(pa.string())) != "train"
    held_ids = set(np.asarray(parts["id"].to_pylist(), dtype=str)[held].tolist())
    scheme = parts["scheme"][0].as_py()
    names = ["formula", "structure_type"]
    table = read_table(crystals, ["id", *names])
    kept_apart: set[tuple[str, ...]] = set()
    columns = {"random": names}.get(scheme, [SCHEMES[scheme]])
    for name, *keys in zip(
        table["id"].to_pylist(), *(table[c].to_pylist() for c in columns), strict=True
    ):
        if name in held_ids:
            kept_apart.add(tuple(keys))
    more = read_table(extra, ["id", *names])
    wanted = zip(*(more[c].to_pylist() for c in columns), strict=True)
    fresh = np.array([key not in kept_apart for key in wanted], dtype=bool)
    own = set(table["id"].to_pylist())
    return fresh & np.array([name not in own for name in more["id"].to_pylist()], bool)
