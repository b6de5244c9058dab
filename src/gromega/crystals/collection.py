"""Collections: what a table says of its crystals, and what it lacks to say."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gromega.crystals.symmetry import structure_types
from gromega.crystals.table import crystals_of, row_batches


def complete(table: pa.Table) -> pa.Table:
    """Return a table with the structure types that it lacks.

    Parameters
    ----------
    table
        Crystals, columns as in `gromega.crystals.table.SCHEMA`.
    """
    found = table["structure_type"].to_pylist()
    missing = [row for row, key in enumerate(found) if not key]
    if not missing:
        return table
    keys = structure_types(crystals_of(table.take(missing)))
    for row, key in zip(missing, keys, strict=True):
        found[row] = key
    return _with_column(table, "structure_type", pa.array(found, pa.string()))


def with_formulas(table: pa.Table) -> pa.Table:
    """Return a table whose formulas are those of the atoms of its crystals."""
    formulas = [crystal.formula for crystal in crystals_of(table)]
    return _with_column(table, "formula", pa.array(formulas, pa.string()))


def with_source(table: pa.Table, source: str) -> pa.Table:
    """Return a table that names a source where it named none."""
    named = [name or source for name in table["source"].to_pylist()]
    return _with_column(table, "source", pa.array(named, pa.string()))


def _with_column(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), table.field(name), values)


def summarise(path: Path) -> dict[str, Any]:
    """Return counts of a table of crystals.

    They are ``crystals``, ``space_groups``, ``structure_types`` and ``formulas``, and
    the number of crystals ``by_space_group`` and ``by_atoms``, those of a cell.
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
