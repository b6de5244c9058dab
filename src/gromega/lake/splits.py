"""Splits of the crystals into parts for training, validation and test."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

from gromega._util.files import check_there
from gromega.crystals.space_groups import most_populated
from gromega.crystals.table import read_table, rows_of, write_table

PARTS = ("train", "validation", "test")
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("space_group", pa.int16()),
        ("part", pa.string()),
        ("scheme", pa.string()),
        ("seed", pa.int64()),
    ]
)
"""The columns of a split."""
SCHEMES = {
    "random": "id",
    "formula": "formula",
    "structure-type": "structure_type",
}
"""The columns of the table by scheme: crystals of one value are in one part."""
BENCHMARK = 45
"""The number of space groups, the most populated ones, of the benchmark.

They are those of Lan et al. A model of more groups is compared with the paper by its
probabilities of these alone, on crystals of these.
"""


def keys_of(table: pa.Table, scheme: str) -> list[str]:
    """Return the key of each crystal of a table by a scheme of `SCHEMES`.

    A crystal without a key, such as one without a structure type, is alone: its id is
    its key.
    """
    keys = table[SCHEMES[scheme]].to_pylist()
    return [
        key or name for key, name in zip(keys, table["id"].to_pylist(), strict=True)
    ]


def draw_split(
    keys: ArrayLike,
    space_groups: ArrayLike,
    test: float = 0.2,
    validation: float = 0.1,
    seed: int = 0,
    rare: bool = False,
) -> NDArray[np.str_]:
    """Return the part of each crystal, (n,), drawn at random within each space group.

    Crystals of one key are in one part. A key is added to a part only if that brings
    the part nearer to its share of the group, so keys of many crystals tend to be in
    the training part. The split depends on keys and seed, not on the order of crystals.

    Parameters
    ----------
    keys
        The key of each crystal, n of them: its id, formula or structure type.
    space_groups
        The space group numbers, n of them.
    test
        The share of each group in the test part.
    validation
        The share of the others in the validation part.
    seed
        The seed of the random numbers.
    rare
        Whether groups of fewer than 3 keys are allowed: all of their crystals are in
        the training part, except those with a key of another group.

    Raises
    ------
    ValueError
        If a share is not between 0 and 1, or a part has no crystal of a group because
        the group has too few keys, unless these are allowed.
    """
    for name, share in (("test", test), ("validation", validation)):
        if not 0 < share < 1:
            raise ValueError(f"split.{name} must be between 0 and 1, got {share:g}.")
    names, key_of = np.unique(np.asarray(keys, dtype=str), return_inverse=True)
    groups = np.asarray(space_groups)
    part_of = np.full(names.size, "", dtype="<U10")
    # A key may have crystals in several groups: the smallest group chooses first.
    numbers, counts = np.unique(groups, return_counts=True)
    for group in numbers[np.lexsort((numbers, counts))]:
        inside = np.bincount(key_of[groups == group], minlength=names.size)
        order = np.random.default_rng([seed, int(group)]).permutation(
            np.flatnonzero(inside)
        )
        rest = inside.sum()
        few = rare and np.count_nonzero(inside) < len(PARTS)
        for spare, (part, share) in zip(
            (2, 1), (("test", test), ("validation", validation)), strict=True
        ):
            if few:
                break
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
        if missing and not rare:
            n_keys = np.unique(key_of[groups == group]).size
            raise ValueError(
                f"space group {group} has {count} crystals with {n_keys} different "
                f"keys, too few for the {' and '.join(sorted(missing))} part; each "
                "group needs at least 3 keys. Lower crystals.groups."
            )
    return parts


def _fill(
    keys: list[int], sizes: NDArray[np.int64], target: int, spare: int
) -> list[int]:
    """Return keys with about `target` crystals in all, and leave `spare` keys over."""
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
    """Return the ids and the space group numbers of a part of a split, each (n,).

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
    table = _read_split(path)
    chosen = table.filter(pa.array(np.asarray(table["part"]) == part))
    ids = np.array(chosen["id"].to_pylist(), dtype=str)
    return ids, np.asarray(chosen["space_group"], dtype=np.int64)


def benchmark_groups(path: Path) -> NDArray[np.int64]:
    """Return the classes of space groups of the benchmark of a split, ascending.

    They are the most populated of all its crystals, at most `BENCHMARK`.
    """
    labels = np.asarray(_read_split(path)["space_group"], np.int64)
    return np.sort(most_populated(labels, BENCHMARK))


def benchmark_of_counts(counts: Mapping[str, Mapping[str, int]]) -> NDArray[np.int64]:
    """Return the groups of the benchmark of a released model, ascending.

    The counts, of its card, are numbers of crystals by space group and part.
    """
    numbers = [int(group) for group in counts]
    totals = [sum(of_group.values()) for of_group in counts.values()]
    return np.sort(most_populated(np.repeat(numbers, totals), BENCHMARK))


def read_benchmark(path: Path, part: str) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    """Return what `read_part` does, of crystals in the groups of the benchmark."""
    ids, labels = read_part(path, part)
    chosen = np.isin(labels, benchmark_groups(path))
    return ids[chosen], labels[chosen]


def read_relatives(
    crystals: Path, split: Path, ids: Iterable[str]
) -> NDArray[np.int64]:
    """Return the numbers of training crystals of the same structure type, (n,).

    They are those of the crystals of a table with these ids. An empty structure type is
    unknown, and shared by no two crystals.
    """
    table = read_table(crystals, ["id", "structure_type"])
    trained = rows_of(table, read_part(split, "train")[0])["structure_type"]
    counts = Counter(trained.to_pylist())
    counts.pop("", None)
    types = rows_of(table, ids)["structure_type"].to_pylist()
    return np.array([counts[each] for each in types], np.int64)


def unrelated(split: Path, crystals: Path, augmentation: Path) -> NDArray[np.bool_]:
    """Return which augmentation crystals may be in the training, (n,).

    Excluded are those that are most likely a crystal of the test or validation part:
    of the same formula and structure type, or of the same id. Where the scheme keeps
    crystals of one formula or structure type in one part, all of that formula or
    structure type are excluded.

    Parameters
    ----------
    split
        The split, as `write_split` writes it.
    crystals
        The table of its crystals.
    augmentation
        The table of augmentation crystals, n of them.
    """
    parts = _read_split(split)
    others = pa.array(np.asarray(parts["part"]) != "train")
    apart = set(parts.filter(others)["id"].to_pylist())
    scheme = parts["scheme"][0].as_py()
    names = ["formula", "structure_type"] if scheme == "random" else [SCHEMES[scheme]]

    def read(path: Path) -> tuple[list[str], list[tuple[str, ...]]]:
        table = read_table(path, ["id", *names])
        columns = (table[name].to_pylist() for name in names)
        return table["id"].to_pylist(), list(zip(*columns, strict=True))

    ids, keys = read(crystals)
    excluded = {key for name, key in zip(ids, keys, strict=True) if name in apart}
    more_ids, more_keys = read(augmentation)
    own = set(ids)
    return np.array(
        [
            key not in excluded and name not in own
            for name, key in zip(more_ids, more_keys, strict=True)
        ],
        dtype=bool,
    )


def _read_split(path: Path) -> pa.Table:
    """Return a split with the columns of `SCHEMA`; raise ValueError if damaged."""
    check_there(path)
    try:
        with cast(Any, pq).ParquetFile(path, page_checksum_verification=True) as file:
            read, rows = file.read(), file.metadata.num_rows
        if missing := set(SCHEMA.names) - set(read.column_names):
            raise ValueError(f"{path}: the split lacks the columns {sorted(missing)}.")
        table = read.select(SCHEMA.names).cast(SCHEMA)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path}: not a readable split ({reason}).") from None
    # The checksums of pages leave out how many values there are.
    if table.num_rows != rows or any(column.null_count for column in table.columns):
        raise ValueError(f"{path}: rows are damaged; run 'dvc repro'.")
    return table
