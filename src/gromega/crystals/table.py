"""Tables of crystals: parquet files, one crystal a row."""

from collections import Counter
from collections.abc import Iterable
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


def choose(table: pa.Table, groups: int = 45, observed: bool = True) -> pa.Table:
    """Return the rows that make up the data set, in the order of the table.

    Kept are crystals whose space group is the same at both tolerances, in the most
    populated groups; of groups as populated, the lower number wins.

    Parameters
    ----------
    table
        The table, columns as in `SCHEMA`.
    groups
        The number of space groups. Fewer if the table has no more.
    observed
        Whether to keep only crystals known from experiment.

    Raises
    ------
    ValueError
        If no crystal is left.
    """
    labels = np.asarray(table["space_group"])
    keep = labels == np.asarray(table["space_group_loose"])
    if observed:
        keep &= np.asarray(table["observed"])
    ranked = sorted(Counter(labels[keep].tolist()).items(), key=lambda g: (-g[1], g[0]))
    chosen = [group for group, _ in ranked[:groups]]
    keep &= np.isin(labels, chosen)
    if not keep.any():
        raise ValueError(
            "no crystal is left: none has the same space group at both tolerances"
            + (" and is marked as observed." if observed else ".")
        )
    return table.filter(pa.array(keep))


def crystals_of(table: pa.Table) -> list[Crystal]:
    """Return the crystals of a table, in its order.

    Raises
    ------
    ValueError
        If a row is no crystal.
    """
    ids = table["id"].to_pylist()
    lattices = _flat(table["lattice"]).reshape(-1, 3, 3)
    atoms = _offsets(table["numbers"])
    for name, wanted in (("frac", 3 * atoms), ("occupancy", atoms)):
        if not np.array_equal(_offsets(table[name]), wanted):
            raise ValueError(f"the column {name} does not match the column numbers.")
    numbers, frac = _flat(table["numbers"]), _flat(table["frac"]).reshape(-1, 3)
    occupancy = _flat(table["occupancy"])
    parts = [slice(*atoms[row : row + 2]) for row in range(len(ids))]
    return [
        Crystal(name, lattice, numbers[part], frac[part], occupancy[part])
        for name, lattice, part in zip(ids, lattices, parts, strict=True)
    ]


def _flat(column: pa.ChunkedArray) -> NDArray[np.generic]:
    return column.combine_chunks().flatten().to_numpy(zero_copy_only=False)


def _offsets(column: pa.ChunkedArray) -> NDArray[np.int64]:
    lengths = column.combine_chunks().value_lengths().to_numpy()
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


def to_table(
    crystals: Iterable[Crystal],
    space_groups: Iterable[int],
    loose: Iterable[int] | None = None,
) -> pa.Table:
    """Return the table of observed crystals.

    Parameters
    ----------
    crystals
        The crystals, n of them.
    space_groups
        Their space groups at symprec 0.01 Å.
    loose
        Their space groups at symprec 0.1 Å; the same if left out.
    """
    space_groups = list(space_groups)
    columns: dict[str, list[object]] = {name: [] for name in SCHEMA.names}
    labels = zip(crystals, space_groups, loose or space_groups, strict=True)
    for crystal, strict_group, loose_group in labels:
        values = {
            "id": crystal.id,
            "formula": crystal.formula,
            "space_group": strict_group,
            "space_group_loose": loose_group,
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
    """Write any table to a parquet file, whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    pq.write_table(table, partial, compression="zstd")
    partial.replace(path)
