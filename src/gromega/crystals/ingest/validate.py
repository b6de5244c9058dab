"""Examining one crystal of a file: its labels, or the reason to refuse it.

This runs in a `gromega.crystals.ingest.worker`, so that records can be written as JSON.
"""

import json
from dataclasses import dataclass
from typing import Any

import gemmi
import numpy as np

from gromega.crystals.crystal import Crystal, crystal_of_nuclides
from gromega.crystals.fingerprint import fingerprint
from gromega.crystals.io.cif import Reading, read_block
from gromega.crystals.io.cif_text import BadBlock, structure_blocks
from gromega.crystals.io.optimade import read_structure
from gromega.crystals.io.poscar import read_poscar
from gromega.crystals.io.sites import MAX_ATOMS, check_cell, merge_sites
from gromega.crystals.refusal import Reason, RefusedError
from gromega.crystals.symmetry import LOOSE, STRICT, find_symmetry, loose_group


@dataclass(frozen=True)
class IngestOptions:
    """Which crystals an ingest accepts.

    Parameters
    ----------
    max_atoms
        The largest number of atoms per lattice point of a cell.
    inorganic
        Whether to refuse crystals with carbon, and at least half as much hydrogen.
    """

    max_atoms: int = MAX_ATOMS
    inorganic: bool = False


Part = gemmi.cif.Block | BadBlock | bytes | dict[str, Any]


def split_blocks(kind: str, content: bytes) -> list[Part]:
    """Split a file of a kind of `Source` into parts with one crystal each.

    Raise RefusedError if the file is not of this kind.
    """
    if kind == "cif":
        return list(structure_blocks(content))
    return [json.loads(content) if kind == "row" else content]


def name_of(part: Part) -> str:
    """Return the name of a block, the id of a row, or ``""`` for a POSCAR file."""
    if isinstance(part, bytes):
        return ""
    return str(part["id"]) if isinstance(part, dict) else part.name


def examine(part: Part, options: IngestOptions) -> dict[str, Any]:
    """Examine a part of a file; return its labels and fingerprint, or its refusal."""
    record: dict[str, Any] = {"block": name_of(part), "stated": 0, "observed": True}
    try:
        if isinstance(part, dict):
            record |= {"id": part["id"], "observed": part["observed"]}
        crystal, record["stated"], record["notes"] = read_part(part, options.max_atoms)
        label(crystal, record, options)
    except RefusedError as error:
        record |= {"reason": error.reason.value, "detail": error.detail}
    return record


def read_part(part: Part, max_atoms: int = MAX_ATOMS) -> Reading:
    """Read the crystal of a part of a file; RefusedError if it is not possible."""
    if isinstance(part, bytes):
        return Reading(read_poscar(part, max_atoms), 0, [])
    if isinstance(part, dict):
        read = _read_entry if "structure" in part else _read_row
        return Reading(read(part, max_atoms), part["space_group"], [])
    return read_block(part, max_atoms)


def _read_row(row: dict[str, Any], max_atoms: int) -> Crystal:
    """Return the crystal of a row, checked like a crystal of a file."""
    if len(row["numbers"]) > max_atoms:
        raise RefusedError(
            Reason.TOO_MANY_ATOMS, f"{len(row['numbers'])}, the limit is {max_atoms}"
        )
    lattice = np.array(row["lattice"]).reshape(3, 3)
    try:
        frac = np.array(row["frac"]).reshape(-1, 3)
        crystal = Crystal(
            row["id"], lattice, row["numbers"], frac, row["occupancy"],
            row.get("masses") or None,
        )  # fmt: skip
    except ValueError as error:
        raise RefusedError(Reason.UNREADABLE, str(error)) from None
    check_cell(lattice)
    atoms = merge_sites(crystal.nuclides, frac % 1.0, crystal.occupancy, lattice)
    return crystal_of_nuclides(row["id"], lattice, *atoms)


def _read_entry(entry: dict[str, Any], max_atoms: int) -> Crystal:
    """Return the crystal of an entry of a database, see `ingest.providers`."""
    return read_structure(entry["id"], entry["structure"], max_atoms)


def label(crystal: Crystal, record: dict[str, Any], options: IngestOptions) -> None:
    """Add the labels, the primitive cell and the fingerprint of a crystal to a record.

    The record has the space group that the file ``stated``, or 0. Raise RefusedError if
    the crystal is refused for its labels or its elements.
    """
    if options.inorganic and _is_organic(crystal):
        raise RefusedError(Reason.ORGANIC, crystal.formula)
    try:
        symmetry = find_symmetry(crystal, STRICT)
        loose = loose_group(symmetry)
    except ValueError as error:
        raise RefusedError(Reason.OVERLAP, str(error)) from None
    group, stated = symmetry.space_group, record["stated"]
    primitive = symmetry.primitive
    record |= {"space_group": group, "space_group_loose": loose}
    if group != loose:
        other = f", the file states {stated}" if stated else ""
        raise RefusedError(
            Reason.UNSTABLE_LABEL, f"{group} at {STRICT} Å, {loose} at {LOOSE} Å{other}"
        )
    if stated and stated != group:
        raise RefusedError(
            Reason.OTHER_LABEL, f"found {group}, the file states {stated}"
        )
    record |= {
        "formula": crystal.formula,
        "structure_type": symmetry.structure_type,
        "lattice": primitive.lattice.ravel().tolist(),
        "numbers": primitive.numbers.tolist(),
        "frac": (primitive.frac % 1.0).ravel().tolist(),
        "occupancy": primitive.occupancy.tolist(),
        "masses": primitive.masses.tolist() if primitive.masses.any() else [],
        "isotopes": sorted(set(primitive.nuclides[primitive.masses > 0].tolist())),
        "fingerprint": fingerprint(primitive).tolist(),
    }


def _is_organic(crystal: Crystal) -> bool:
    hydrogen, carbon = (crystal.occupancy[crystal.numbers == z].sum() for z in (1, 6))
    return bool(carbon > 0 and hydrogen >= 0.5 * carbon)
