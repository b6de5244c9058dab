"""Tables of crystals: Parquet files with one crystal per row."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gromega._util.files import check_there, new_path
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
        ("masses", pa.list_(pa.uint16())),
    ]
)
"""The columns. ``lattice`` holds the vectors a, b, c in Å, ``frac`` the coordinates
x, y, z atom by atom, ``space_group`` and ``space_group_loose`` the numbers that spglib
finds at symprec 0.01 and 0.1 Å, ``structure_type`` the key of
`gromega.crystals.structure_type`, ``source`` the name of the file, and ``masses`` the
mass number of each atom, 0 for the natural mix of isotopes, or nothing if no atom is an
isotope. A file without isotopes lacks this column."""
OPTIONAL = ("formula", "structure_type", "source", "masses")
"""The columns that a table may lack. They are read as empty."""
MASSES = "masses"
_NAMES = b"gromega columns"
ROWS = 4096
"""The number of rows in a row group."""


def read_table(path: Path, columns: Sequence[str] = SCHEMA.names) -> pa.Table:
    """Read a table of crystals, or some of the columns of `SCHEMA`.

    Raise FileNotFoundError, or ValueError if the file is not a Parquet table, lacks a
    column, has one of the wrong type, contains empty values, or contains an id twice.
    """
    batches = list(row_batches(path, columns))
    table = pa.concat_tables([_schema(columns).empty_table(), *batches])
    if "id" in columns:
        ids = Counter(table["id"].to_pylist())
        name, count = max(ids.items(), key=lambda item: item[1], default=("", 0))
        if count > 1:
            raise ValueError(
                f"{path}: the id {name!r} occurs {count} times; ids must be unique."
            )
    return table


def rows_by_id(ids: Iterable[str], wanted: Iterable[str]) -> NDArray[np.int64]:
    """Return the rows, (n,), of n wanted ids, given the id of each row.

    Raise ValueError if a wanted id is absent. The message names the first one.
    """
    row_of = {name: row for row, name in enumerate(ids)}
    try:
        return np.array([row_of[name] for name in wanted], dtype=np.int64)
    except KeyError as error:
        name = str(error.args[0])
        raise ValueError(f"the id {name!r} is absent; run 'dvc repro'.") from None


def rows_of(table: pa.Table, ids: Iterable[str]) -> pa.Table:
    """Return the rows of some ids in their order; raise ValueError if one is absent."""
    return table.take(pa.array(rows_by_id(table["id"].to_pylist(), ids)))


def row_batches(
    path: Path, columns: Sequence[str] = SCHEMA.names, rows: int = ROWS
) -> Iterator[pa.Table]:
    """Read a table of crystals in batches of at most `rows`; see `read_table`.

    The ids are not checked for repetition.
    """
    schema = _schema(columns)
    check_there(path)
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            found, count = file.schema_arrow.names, file.metadata.num_rows
            stated = (file.metadata.metadata or {}).get(_NAMES)
            if stated and stated.decode() != ",".join(found):
                raise ValueError(f"{path}: the names of its columns are damaged.")
            required = [name for name in columns if name not in OPTIONAL]
            _check_columns(path, found)
            present = [name for name in columns if name in found]
            for batch in file.iter_batches(rows, columns=present):
                table = pa.Table.from_batches([batch])
                for name in set(columns) - set(present):
                    kind = schema.field(name).type
                    empty = [] if pa.types.is_list(kind) else ""
                    values = pa.array([empty] * len(batch), kind)
                    table = table.append_column(name, values)
                table = table.select(columns).cast(schema)
                blank = [name for name in required if table[name].null_count]
                if blank:
                    raise ValueError(
                        f"{path}: the column {blank[0]} contains empty values; fill "
                        "them or remove the rows."
                    )
                count -= len(batch)
                yield table
            if count:
                raise ValueError(f"{path}: {count} of its rows are damaged.")
    except (pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path}: a column has the wrong type: {reason}.") from None
    except (pa.ArrowInvalid, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path}: not a readable Parquet table ({reason}).") from None


def is_own_table(path: Path) -> bool:
    """Return whether a file is a table that `new_table` wrote."""
    try:
        return _NAMES in (pq.read_schema(path).metadata or {})
    except (pa.ArrowInvalid, OSError):
        return False


def _schema(columns: Sequence[str]) -> pa.Schema:
    return pa.schema([SCHEMA.field(name) for name in columns])


def _check_columns(path: Path, found: Sequence[str]) -> None:
    needed = [name for name in SCHEMA.names if name not in OPTIONAL]
    missing = [name for name in needed if name not in found]
    if missing:
        raise ValueError(
            f"{path}: the table lacks the column{'s'[: len(missing) > 1]} "
            f"{', '.join(missing)}; it needs {', '.join(needed)}."
        )


def crystals_of(table: pa.Table) -> list[Crystal]:
    """Return the crystals of a table; raise ValueError if a row describes none."""
    ids = table["id"].to_pylist()
    lattices = _flat(table["lattice"]).reshape(-1, 3, 3)
    atoms = _offsets(table["numbers"])
    for name, expected in (("frac", 3 * atoms), ("occupancy", atoms)):
        if not np.array_equal(_offsets(table[name]), expected):
            raise ValueError(
                f"the column {name} does not have as many atoms as the column numbers."
            )
    numbers, frac = _flat(table["numbers"]), _flat(table["frac"]).reshape(-1, 3)
    occupancy = _flat(table["occupancy"])
    parts = [slice(*atoms[row : row + 2]) for row in range(len(ids))]
    masses = table["masses"].to_pylist()
    return [
        Crystal(name, lattice, numbers[part], frac[part], occupancy[part], mass or None)
        for name, lattice, part, mass in zip(ids, lattices, parts, masses, strict=True)
    ]


def _flat(column: pa.ChunkedArray) -> NDArray[np.generic]:
    values = column.combine_chunks().flatten()
    return np.asarray(values.to_numpy(zero_copy_only=False))


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
    """Make a table of n crystals, all marked as observed.

    The space groups are those at symprec 0.01 and 0.1 Å, by default the same.
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
        "masses": [x.masses if x.masses.any() else [] for x in crystals],
    }
    return pa.table(columns, schema=SCHEMA)


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table to a Parquet file. A failed write leaves no file."""
    with new_table(path, table.schema) as write:
        write(table)


def write_tables(tables: Iterable[pa.Table], path: Path) -> None:
    """Write the rows of several tables of crystals to one Parquet file."""
    with new_table(path) as write:
        for table in tables:
            write(table)


@contextmanager
def new_table(
    path: Path, schema: pa.Schema = SCHEMA
) -> Iterator[Callable[[pa.Table], None]]:
    """Open a Parquet file for writing, and yield a function that appends rows.

    The file appears when the block ends without an error. Its bytes depend on the rows,
    not on how many are appended at a time.
    """
    # Without isotopes there is no column of them, and the first may come at the end.
    plain = pa.schema([field for field in schema if field.name != MASSES])
    waiting = plain.empty_table()
    isotopes: dict[int, list[int]] = {}
    rows = 0
    with new_path(path) as partial:
        with _writer(partial, plain) as writer:

            def write(table: pa.Table) -> None:
                nonlocal waiting, rows
                if MASSES in table.column_names:
                    found = enumerate(table[MASSES].to_pylist(), rows)
                    isotopes.update((row, masses) for row, masses in found if masses)
                    table = table.drop_columns([MASSES])
                rows += table.num_rows
                waiting = pa.concat_tables([waiting, table])
                whole = waiting.num_rows // ROWS * ROWS
                if whole:
                    for start in range(0, whole, ROWS):
                        writer.write_table(waiting.slice(start, ROWS).combine_chunks())
                    waiting = waiting.slice(whole).combine_chunks()

            yield write
            if waiting.num_rows:
                writer.write_table(waiting.combine_chunks())
        if isotopes:
            with new_path(partial) as with_masses:
                _add_masses(partial, with_masses, schema, isotopes)


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    # Checksums of pages leave out the names of columns.
    named = schema.with_metadata({_NAMES: ",".join(schema.names)})
    return pq.ParquetWriter(path, named, compression="zstd", write_page_checksum=True)


def _add_masses(
    plain: Path, path: Path, schema: pa.Schema, isotopes: dict[int, list[int]]
) -> None:
    """Write a table again, with the mass numbers of some of its rows."""
    row = 0
    kind = schema.field(MASSES).type
    with pq.ParquetFile(plain) as file, _writer(path, schema) as writer:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            masses = [isotopes.get(row + k, []) for k in range(table.num_rows)]
            table = table.append_column(MASSES, pa.array(masses, kind))
            writer.write_table(table.select(schema.names).cast(schema))
            row += table.num_rows


def read_formulas(path: Path, ids: Iterable[str]) -> list[str]:
    """Return the formulas of some crystals of a table, in the order of the ids."""
    formulas: list[str] = rows_of(read_table(path, ["id", "formula"]), ids)[
        "formula"
    ].to_pylist()
    return formulas


def summarise(path: Path) -> dict[str, Any]:
    """Return the numbers of crystals, space groups, structure types and formulas.

    The number of crystals for each space group is in ``by_space_group``, that for each
    number of atoms in the cell in ``by_atoms``.
    """
    groups: Counter[int] = Counter()
    atoms: Counter[int] = Counter()
    types: set[str] = set()
    formulas: set[str] = set()
    columns = ["space_group", "numbers", "structure_type", "formula"]
    for batch in row_batches(path, columns):
        groups.update(np.asarray(batch["space_group"]).tolist())
        atoms.update(len(numbers) for numbers in batch["numbers"].to_pylist())
        types.update(batch["structure_type"].to_pylist())
        formulas.update(batch["formula"].to_pylist())
    return {
        "crystals": groups.total(),
        "space_groups": len(groups),
        "structure_types": len(types),
        "formulas": len(formulas),
        "by_space_group": {str(key): groups[key] for key in sorted(groups)},
        "by_atoms": {str(key): atoms[key] for key in sorted(atoms)},
    }
