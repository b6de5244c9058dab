"""Tables of crystals: parquet files, one crystal a row."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gromega.crystals.crystal import Crystal

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("formula", pa.string()),
        ("space_group", pa.int16()),
        ("space_group_loose", pa.int16()),
        ("observed", pa.bool_()),
        ("lattice", pa.list_(pa.float64(), 9)),
        ("numbers", pa.list_(pa.uint8())),
        ("frac", pa.list_(pa.float64())),
        ("occupancy", pa.list_(pa.float64())),
    ]
)
"""The columns: lattice is a, b, c in turn (Å); frac x, y, z of each atom in turn;
space_group and space_group_loose are spglib's at symprec 0.01 and 0.1 Å."""


@dataclass(frozen=True)
class Source:
    """Which crystals of a table make up the data set.

    Parameters
    ----------
    groups
        The number of space groups: the most populated ones. Fewer if the table has
        no more.
    observed
        Whether to keep only crystals known from experiment.
    """

    groups: int = 45
    observed: bool = True


def read_table(path: Path) -> pa.Table:
    """Return a table of crystals with the columns of `SCHEMA`.

    Raises
    ------
    ValueError
        If the file is not a parquet table, lacks a column, holds a column of another
        type, or has an id twice.
    """
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path}: not a readable parquet table ({reason}).") from None
    missing = [name for name in SCHEMA.names if name not in table.column_names]
    if missing:
        raise ValueError(
            f"{path}: the table lacks the column{'s'[: len(missing) > 1]} "
            f"{', '.join(missing)}; it needs {', '.join(SCHEMA.names)}."
        )
    try:
        table = table.select(SCHEMA.names).cast(SCHEMA)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path}: a column has another type: {reason}.") from None
    empty = [name for name in SCHEMA.names if table[name].null_count]
    if empty:
        raise ValueError(f"{path}: the column {empty[0]} has empty values.")
    ids = Counter(table["id"].to_pylist())
    name, count = max(ids.items(), key=lambda item: item[1], default=("", 0))
    if count > 1:
        raise ValueError(f"{path}: the id {name!r} is there {count} times.")
    return table


def choose(table: pa.Table, source: Source) -> pa.Table:
    """Return the rows that make up the data set, in the order of the table.

    Kept are crystals whose space group is the same at both tolerances, in the most
    populated groups; of groups as populated, the lower number wins.

    Raises
    ------
    ValueError
        If no crystal is left.
    """
    groups = np.asarray(table["space_group"])
    keep = groups == np.asarray(table["space_group_loose"])
    if source.observed:
        keep &= np.asarray(table["observed"])
    ranked = sorted(Counter(groups[keep].tolist()).items(), key=lambda g: (-g[1], g[0]))
    chosen = [group for group, _ in ranked[: source.groups]]
    keep &= np.isin(groups, chosen)
    if not keep.any():
        raise ValueError(
            "no crystal is left: none has the same space group at both tolerances"
            + (" and is marked as observed." if source.observed else ".")
        )
    return table.filter(pa.array(keep))


def crystals_of(table: pa.Table, rows: Sequence[int] | None = None) -> list[Crystal]:
    """Return the crystals of some rows of a table, of all if left out.

    Raises
    ------
    ValueError
        If a row is no crystal.
    """
    if rows is not None:
        table = table.take(pa.array(rows, type=pa.int64()))
    return list(_iterate(table))


def _iterate(table: pa.Table) -> Iterator[Crystal]:
    ids = table["id"].to_pylist()
    lattices = _flat(table["lattice"]).reshape(-1, 3, 3)
    atoms = _offsets(table["numbers"])
    for name, wanted in (("frac", 3 * atoms), ("occupancy", atoms)):
        if not np.array_equal(_offsets(table[name]), wanted):
            raise ValueError(f"the column {name} does not match the column numbers.")
    numbers, frac = _flat(table["numbers"]), _flat(table["frac"]).reshape(-1, 3)
    occupancy = _flat(table["occupancy"])
    for row, name in enumerate(ids):
        part = slice(atoms[row], atoms[row + 1])
        yield Crystal(name, lattices[row], numbers[part], frac[part], occupancy[part])


def _flat(column: pa.ChunkedArray) -> NDArray[np.generic]:
    return np.array(column.combine_chunks().flatten())


def _offsets(column: pa.ChunkedArray) -> NDArray[np.int64]:
    lengths = column.combine_chunks().value_lengths().to_numpy()
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


def to_table(crystals: Iterable[Crystal], space_groups: Iterable[int]) -> pa.Table:
    """Return the table of crystals whose space groups are known for sure."""
    columns: dict[str, list[object]] = {name: [] for name in SCHEMA.names}
    for crystal, group in zip(crystals, space_groups, strict=True):
        values = {
            "id": crystal.id,
            "formula": crystal.formula,
            "space_group": group,
            "space_group_loose": group,
            "observed": True,
            "lattice": crystal.lattice.ravel(),
            "numbers": crystal.numbers,
            "frac": crystal.frac.ravel(),
            "occupancy": crystal.occupancy,
        }
        for name, value in values.items():
            columns[name].append(value)
    return pa.table(columns, schema=SCHEMA)


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table to a parquet file, whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    pq.write_table(table, partial, compression="zstd")
    partial.replace(path)
