"""Columns of a table that follow from its crystals, and a summary of a table."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gromega.crystals.symmetry import structure_types
from gromega.crystals.table import crystals_of, row_batches


def fill_structure_types(table: pa.Table) -> pa.Table:
    """Return a table in which every crystal has a structure type.

    Parameters
    ----------
    table
        The crystals, with the columns of `gromega.crystals.table.SCHEMA`.
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
    """Return a table with the formulas that its atoms give."""
    formulas = [crystal.formula for crystal in crystals_of(table)]
    return _with_column(table, "formula", pa.array(formulas, pa.string()))


def with_source(table: pa.Table, source: str) -> pa.Table:
    """Return a table with a source in each row that had none."""
    named = [name or source for name in table["source"].to_pylist()]
    return _with_column(table, "source", pa.array(named, pa.string()))


def _with_column(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), table.field(name), values)


def summarise(path: Path) -> dict[str, Any]:
    """Count the crystals of a table.

    Parameters
    ----------
    path
        The table.

    Returns
    -------
    dict
        The numbers of ``crystals``, ``space_groups``, ``structure_types`` and
        ``formulas``, and the number of crystals for each space group
        (``by_space_group``) and for each number of atoms in the cell (``by_atoms``).
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
