"""Examining an input: what it holds, what it is labelled, or why it is refused.

This runs within a `gromega.crystals.ingest.worker`: inputs and answers are JSON.
"""

import json
from dataclasses import dataclass
from typing import Any

import gemmi
import numpy as np

from gromega.crystals.crystal import Crystal
from gromega.crystals.ingest.duplicates import fingerprint
from gromega.crystals.io.cif import read_block, structure_blocks
from gromega.crystals.io.poscar import read_poscar
from gromega.crystals.io.sites import MAX_ATOMS, check_cell, merge_sites
from gromega.crystals.refusal import Reason, RefusedError
from gromega.crystals.symmetry import LOOSE, STRICT, find_symmetry, loose_group

CARBON, HYDROGEN = 6, 1


@dataclass(frozen=True)
class IngestOptions:
    """What is taken into a collection.

    Parameters
    ----------
    max_atoms
        The largest number of atoms in a cell, for each lattice point of a centred one.
    inorganic
        Whether to refuse hydrogen-rich organics: carbon, and at least half as much
        hydrogen.
    """

    max_atoms: int = MAX_ATOMS
    inorganic: bool = False


Part = gemmi.cif.Block | bytes | dict[str, Any]


def split_blocks(kind: str, content: bytes) -> list[Part]:
    """Return the parts of a file that hold one crystal each.

    Parameters
    ----------
    kind
        ``"cif"``, ``"poscar"``, or ``"row"`` of a table, in JSON.
    content
        The file.

    Raises
    ------
    RefusedError
        If the file is no such file.
    """
    if kind == "cif":
        return list(structure_blocks(content))
    return [json.loads(content) if kind == "row" else content]


def name_of(part: Part) -> str:
    """Return the name of a block, the id of a row, or nothing."""
    if isinstance(part, bytes):
        return ""
    return str(part["id"]) if isinstance(part, dict) else part.name


def examine(part: Part, options: IngestOptions) -> dict[str, Any]:
    """Return the record of a crystal: its labels and fingerprint, or its refusal.

    Parameters
    ----------
    part
        The part of a file.
    options
        What is taken.
    """
    record: dict[str, Any] = {"block": name_of(part), "stated": 0, "observed": True}
    try:
        if isinstance(part, bytes):
            crystal = read_poscar(part, options.max_atoms)
        elif isinstance(part, dict):
            record["id"] = part["id"]
            crystal = _of_row(part, options.max_atoms)
            record |= {"stated": part["space_group"], "observed": part["observed"]}
        else:
            block = read_block(part, options.max_atoms)
            crystal, record["stated"] = block.crystal, block.stated
        label(crystal, record, options)
    except RefusedError as error:
        record |= {"reason": error.reason.value, "detail": error.detail}
    return record


def _of_row(row: dict[str, Any], max_atoms: int) -> Crystal:
    """Return the crystal of a row of a table, checked as one of a file is."""
    if len(row["numbers"]) > max_atoms:
        raise RefusedError(
            Reason.TOO_MANY_ATOMS, f"{len(row['numbers'])}, the limit is {max_atoms}"
        )
    lattice = np.array(row["lattice"]).reshape(3, 3)
    try:
        frac = np.array(row["frac"]).reshape(-1, 3)
        crystal = Crystal(row["id"], lattice, row["numbers"], frac, row["occupancy"])
    except ValueError as error:
        raise RefusedError(Reason.UNREADABLE, str(error)) from None
    check_cell(lattice)
    atoms = merge_sites(crystal.numbers, frac % 1.0, crystal.occupancy, lattice)
    return Crystal(row["id"], lattice, *atoms)


def label(crystal: Crystal, record: dict[str, Any], options: IngestOptions) -> None:
    """Add to a record what is found of a crystal.

    Parameters
    ----------
    crystal
        The crystal.
    record
        What is known of it: ``stated``, the space group that its file states, or 0.
    options
        What is taken.

    Raises
    ------
    RefusedError
        If the crystal is not taken, for its labels or its elements.
    """
    if options.inorganic and _is_organic(crystal):
        raise RefusedError(Reason.ORGANIC, crystal.formula)
    try:
        symmetry = find_symmetry(crystal, STRICT)
        loose = loose_group(symmetry)
    except ValueError as error:
        raise RefusedError(Reason.OVERLAP, str(error)) from None
    group, primitive, stated = (
        symmetry.space_group, symmetry.primitive, record["stated"],
    )  # fmt: skip
    record |= {"space_group": group, "space_group_loose": loose}
    if group != loose:
        says = f", the file says {stated}" if stated else ""
        raise RefusedError(
            Reason.UNSTABLE_LABEL, f"{group} at {STRICT} Å, {loose} at {LOOSE} Å{says}"
        )
    if stated and stated != group:
        raise RefusedError(Reason.OTHER_LABEL, f"found {group}, the file says {stated}")
    record |= {
        "formula": crystal.formula,
        "structure_type": symmetry.structure_type,
        "lattice": primitive.lattice.ravel().tolist(),
        "numbers": primitive.numbers.tolist(),
        "frac": (primitive.frac % 1.0).ravel().tolist(),
        "occupancy": primitive.occupancy.tolist(),
        "fingerprint": fingerprint(primitive).tolist(),
    }


def _is_organic(crystal: Crystal) -> bool:
    amounts = {
        z: crystal.occupancy[crystal.numbers == z].sum() for z in (CARBON, HYDROGEN)
    }
    return bool(amounts[CARBON] > 0 and amounts[HYDROGEN] >= 0.5 * amounts[CARBON])
