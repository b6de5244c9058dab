"""Tables of crystals: parquet files, one crystal a row."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gromega._util.files import check_there
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
        ("structure_type", pa.string()),
        ("source", pa.string()),
    ]
)
"""The columns: lattice is a, b, c in turn (Å); frac x, y, z of each atom in turn;
space_group and space_group_loose are spglib's at symprec 0.01 and 0.1 Å;
structure_type as in `gromega.crystals.structure_type`; source is the file."""
OPTIONAL = ("formula", "structure_type", "source")
"""The columns that a table may lack; they are read as empty texts."""
ROWS = 4096


def read_table(path: Path, columns: Sequence[str] = SCHEMA.names) -> pa.Table:
    """Return a table of crystals, or some of its columns.

    Parameters
    ----------
    path
        The parquet file.
    columns
        Columns of `SCHEMA`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not a parquet table, lacks a column, holds a column of another
        type, has empty values, or has an id twice.
    """
    batches = list(row_batches(path, columns))
    table = pa.concat_tables([_schema(columns).empty_table(), *batches])
    if "id" in columns:
        ids = Counter(table["id"].to_pylist())
        name, count = max(ids.items(), key=lambda item: item[1], default=("", 0))
        if count > 1:
            raise ValueError(f"{path}: the id {name!r} is there {count} times.")
    return table


def rows_of(table: pa.Table, ids: Iterable[str]) -> pa.Table:
    """Return the rows of some ids, in their order."""
    place = {name: row for row, name in enumerate(table["id"].to_pylist())}
    return table.take([place[name] for name in ids])


def row_batches(
    path: Path, columns: Sequence[str] = SCHEMA.names, rows: int = ROWS
) -> Iterator[pa.Table]:
    """Yield the rows of a table of crystals, so many at a time.

    Parameters
    ----------
    path
        The parquet file.
    columns
        Columns of `SCHEMA`.
    rows
        The number of rows.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        As in `read_table`, but for ids.
    """
    schema = _schema(columns)
    check_there(path)
    try:
        with pq.ParquetFile(path) as file:
            there = file.schema_arrow.names
            wanted = [name for name in columns if name not in OPTIONAL]
            _check_columns(path, there)
            present = [name for name in columns if name in there]
            for batch in file.iter_batches(rows, columns=present):
                table = pa.Table.from_batches([batch])
                for name in columns:
                    if name not in present:
                        blank = pa.array([""] * table.num_rows)
                        table = table.append_column(name, blank)
                table = table.select(columns).cast(schema)
                empty = [name for name in wanted if table[name].null_count]
                if empty:
                    raise ValueError(f"{path}: the column {empty[0]} has empty values.")
                yield table
    except (pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path}: a column has another type: {reason}.") from None
    except (pa.ArrowInvalid, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path}: not a readable parquet table ({reason}).") from None


def _schema(columns: Sequence[str]) -> pa.Schema:
    return pa.schema([SCHEMA.field(name) for name in columns])


def _check_columns(path: Path, there: Sequence[str]) -> None:
    needed = [name for name in SCHEMA.names if name not in OPTIONAL]
    missing = [name for name in needed if name not in there]
    if missing:
        raise ValueError(
            f"{path}: the table lacks the column{'s'[: len(missing) > 1]} "
            f"{', '.join(missing)}; it needs {', '.join(needed)}."
        )


def choose(
    table: pa.Table, groups: int = 45, observed: bool = True
) -> NDArray[np.bool_]:
    """Return which rows make up the data set, (n,).

    Kept are crystals whose space group is the same at both tolerances, in the most
    populated groups; of groups as populated, the lower number wins.

    Parameters
    ----------
    table
        The table, with at least the columns of labels.
    groups
        The number of space groups. Fewer if the table has no more.
    observed
        Whether to keep only crystals known from experiment.

    Raises
    ------
    ValueError
        If a space group is none, or no crystal is left.
    """
    labels = np.asarray(table["space_group"])
    wrong = np.flatnonzero((labels < 1) | (labels > 230))
    if wrong.size:
        row = int(wrong[0])
        raise ValueError(
            f"the space group of {table['id'][row].as_py()!r} is {labels[row]}, but "
            "they are 1 to 230; correct or remove it."
        )
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
    return keep


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
    structure_types: Iterable[str] | None = None,
    source: str = "",
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
    structure_types
        Their structure types; empty if left out.
    source
        Where they come from.
    """
    crystals, space_groups = list(crystals), list(space_groups)
    columns: dict[str, Iterable[object]] = {
        "id": [crystal.id for crystal in crystals],
        "formula": [crystal.formula for crystal in crystals],
        "space_group": space_groups,
        "space_group_loose": list(loose or space_groups),
        "observed": [True] * len(crystals),
        "lattice": [crystal.lattice.ravel() for crystal in crystals],
        "numbers": [crystal.numbers for crystal in crystals],
        "frac": [crystal.frac.ravel() for crystal in crystals],
        "occupancy": [crystal.occupancy for crystal in crystals],
        "structure_type": list(structure_types or [""] * len(crystals)),
        "source": [source] * len(crystals),
    }
    return pa.table(columns, schema=SCHEMA)


def write_table(table: pa.Table, path: Path) -> None:
    """Write any table to a parquet file, whole or not at all."""
    with new_table(path, table.schema) as write:
        write(table)


@contextmanager
def new_table(
    path: Path, schema: pa.Schema = SCHEMA
) -> Iterator[Callable[[pa.Table], None]]:
    """Yield what adds rows to a parquet file, there if the block ends without error.

    The bytes depend on the rows, not on how many are added at a time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    waiting = schema.empty_table()
    try:
        with pq.ParquetWriter(partial, schema, compression="zstd") as writer:

            def write(table: pa.Table) -> None:
                nonlocal waiting
                waiting = pa.concat_tables([waiting, table])
                whole = waiting.num_rows // ROWS * ROWS
                if whole:
                    for start in range(0, whole, ROWS):
                        writer.write_table(waiting.slice(start, ROWS).combine_chunks())
                    waiting = waiting.slice(whole).combine_chunks()

            yield write
            if waiting.num_rows:
                writer.write_table(waiting.combine_chunks())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_formulas(path: Path, ids: Iterable[str]) -> list[str]:
    """Return the formulas of some crystals of a table, in the order of the ids."""
    formulas: list[str] = rows_of(read_table(path, ["id", "formula"]), ids)[
        "formula"
    ].to_pylist()
    return formulas
