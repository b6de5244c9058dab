"""CIF files: the crystals of their blocks, read by gemmi."""

from collections import defaultdict
from pathlib import Path

import gemmi
import numpy as np

from gromega.crystals.crystal import Crystal
from gromega.crystals.io.cif_symmetry import (
    choose_reading,
    expand_asymmetric_unit,
    listed_operations,
    named_groups,
    stated_formula,
    stated_group,
)
from gromega.crystals.io.sites import FULL, MAX_ATOMS, check_cell, merge_sites
from gromega.crystals.refusal import Reason, RefusedError

# Lawrencium. A heavier element is a misread name.
MAX_Z = 103
# Files of AMCSD give water as one site, Wat, without its hydrogen.
WATER = "Wat"


def read_crystal(path: str | Path) -> Crystal:
    """Read the first block of a CIF file that has atoms.

    Symmetry is expanded to the full cell. The id is the name of the block.

    Raises
    ------
    ValueError
        If the file is unreadable, has no atoms, or has an impossible cell. The message
        names the file, the block and, for a syntax error, the line.
    FileNotFoundError
        If the file does not exist.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file; check the path.")
    try:
        block = structure_blocks(path.read_bytes())[0]
    except RefusedError as error:
        raise ValueError(f"{path}: {error}.") from None
    try:
        return read_block(block)[0]
    except RefusedError as error:
        raise ValueError(f"{path}, block {block.name!r}: {error}.") from None


def structure_blocks(content: bytes) -> list[gemmi.cif.Block]:
    """Return the blocks of a CIF file that describe a structure, one or more.

    Raise RefusedError if the content is not a CIF file, or no block has a cell or
    atoms.
    """
    try:
        # gemmi reads nothing from a file whose lines end with a carriage return alone.
        text = _decode(content).replace("\r\n", "\n").replace("\r", "\n")
        document = gemmi.cif.read_string(text)
    except (ValueError, RuntimeError) as error:
        raise RefusedError(Reason.UNREADABLE, f"not a CIF file ({error})") from None
    blocks = [block for block in document if _has_atoms(block)]
    if not blocks:
        raise RefusedError(Reason.NO_ATOMS, "not a CIF of a structure")
    return blocks


def _decode(content: bytes) -> str:
    """Decode UTF-8, UTF-16 with a byte order mark, or Latin-1 of old programs."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError:
            raise RefusedError(Reason.UNREADABLE, "broken UTF-16") from None
    if b"\x00" in content:
        raise RefusedError(Reason.UNREADABLE, "not a text file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _has_atoms(block: gemmi.cif.Block) -> bool:
    return any(
        block.find_loop(tag) or block.find_value(tag)
        for tag in ("_atom_site_fract_x", "_atom_site_label", "_cell_length_a")
    )


def read_block(
    block: gemmi.cif.Block, max_atoms: int = MAX_ATOMS
) -> tuple[Crystal, int]:
    """Return the crystal of a block, and the space group number it states, or 0.

    Atoms of alternative disorder groups are kept with their occupancies. If the
    alternatives are given with full occupancy, the first one is kept. Raise
    RefusedError if the block does not describe a possible crystal.
    """
    try:
        small = gemmi.make_small_structure_from_block(block)
    except (ValueError, RuntimeError) as error:
        raise RefusedError(Reason.UNREADABLE, str(error)) from None
    sites = [site for site in small.sites if site.occ != 0]
    if not sites:
        raise RefusedError(Reason.NO_ATOMS, "no site with an occupancy above 0")
    cell = _read_cell(block)
    sites = _choose_alternatives(sites, block)
    formula = stated_formula(block)
    for site in sites:
        if not np.isfinite(site.fract.tolist()).all():
            raise RefusedError(Reason.NO_COORDINATES, f"of atom {site.label!r}")
        if site.element.atomic_number == 0:
            if not site.label.startswith(WATER):
                raise RefusedError(
                    Reason.UNKNOWN_ELEMENT, f"{site.type_symbol or site.label!r}"
                )
            site.element = gemmi.Element("O")
        number = site.element.atomic_number
        # gemmi reads NH4 as nihonium, and HO1 as holmium.
        if number > MAX_Z or (formula and number not in formula):
            raise RefusedError(
                Reason.UNKNOWN_ELEMENT,
                f"{site.type_symbol or site.label!r} read as {site.element.name}, "
                "which is not in the formula",
            )
        if not 0 < site.occ <= FULL:
            raise RefusedError(
                Reason.BAD_OCCUPANCY, f"{site.occ:g} of atom {site.label!r}"
            )
    lattice = np.array(cell.orth.mat.tolist()).T

    def make(operations: list[gemmi.Op]) -> Crystal:
        atoms = expand_asymmetric_unit(sites, operations, lattice, max_atoms)
        try:
            return Crystal(block.name, lattice, *merge_sites(*atoms, lattice))
        except RefusedError:
            raise
        except ValueError as error:
            raise RefusedError(Reason.UNREADABLE, str(error)) from None

    groups = named_groups(small, cell)
    stated = stated_group(block, groups)
    operations = listed_operations(block)
    if operations:
        return make(operations), stated
    if not groups:
        text = small.spacegroup_hm or small.spacegroup_hall or "nothing"
        raise RefusedError(
            Reason.NO_SYMMETRY,
            f"no operations, and the space group is not known: {text}",
        )
    readings, refused = [], None
    for group in groups:
        try:
            readings.append(make(list(group.operations())))
        except RefusedError as error:
            refused = error
    if not readings and refused:
        raise refused
    return choose_reading(readings, make([gemmi.Op()]), block, stated), stated


def _read_cell(block: gemmi.cif.Block) -> gemmi.UnitCell:
    """Return the cell of a block. gemmi itself reads a bad cell as 1 Å × 1 Å × 1 Å."""
    # The CIF core dictionary's default angle is 90 degrees.
    tags = [f"length_{x}" for x in "abc"] + ["angle_alpha", "angle_beta", "angle_gamma"]
    values = [
        gemmi.cif.as_number(block.find_value(f"_cell_{tag}") or default)
        for tag, default in zip(tags, ["?"] * 3 + ["90"] * 3, strict=True)
    ]
    if min(values) > 0 and max(values[3:]) < 180:
        cell = gemmi.UnitCell(*values)
        check_cell(np.array(cell.orth.mat.tolist()).T)
        return cell
    text = ", ".join(f"{value:g}" for value in values)
    raise RefusedError(Reason.BAD_CELL, f"got {text}")


def _choose_alternatives(
    sites: list[gemmi.SmallStructure.Site], block: gemmi.cif.Block
) -> list[gemmi.SmallStructure.Site]:
    """Keep the first of several alternatives that are given with full occupancy.

    Alternatives are the disorder groups of one assembly.
    """
    tags = ["_atom_site_label", "_atom_site_disorder_assembly"]
    rows = [[gemmi.cif.as_string(text) for text in row] for row in block.find(tags)]
    assembly_of = dict(rows)
    full: defaultdict[str, dict[int, bool]] = defaultdict(dict)
    for site in sites:
        if site.disorder_group > 0:
            groups = full[assembly_of.get(site.label, "")]
            whole = groups.get(site.disorder_group, True)
            groups[site.disorder_group] = whole and site.occ > 0.99
    left_out = {
        (assembly, group)
        for assembly, groups in full.items()
        for group in sorted(group for group, whole in groups.items() if whole)[1:]
    }
    return [
        site
        for site in sites
        if (assembly_of.get(site.label, ""), site.disorder_group) not in left_out
    ]
