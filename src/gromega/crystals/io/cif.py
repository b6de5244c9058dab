"""CIF files: the crystals of their blocks, by gemmi."""

import re
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import gemmi
import numpy as np
from numpy.typing import NDArray

from gromega.crystals.crystal import Crystal
from gromega.crystals.io.asymmetric_unit import expand
from gromega.crystals.io.sites import FULL, MAX_ATOMS, check_cell, merge_sites
from gromega.crystals.refusal import Reason, RefusedError
from gromega.crystals.symmetry import find_symmetry, has_group

Floats = NDArray[np.float64]

# Lawrencium: what is heavier is a name misread.
MAX_Z = 103
# Minerals of AMCSD have water as one site, Wat; its hydrogen is not listed.
WATER = "Wat"
NUMBER_TAGS = ("_space_group_IT_number", "_symmetry_Int_Tables_number")
OPERATION_TAGS = (
    "_space_group_symop_operation_xyz",
    "_symmetry_equiv_pos_as_xyz",
    "_space_group_symop.operation_xyz",
)


@dataclass(frozen=True)
class CifBlock:
    """A crystal of a CIF file, with the space group that the file states.

    Parameters
    ----------
    name
        The name of the block.
    crystal
        The crystal, its cell in full, its id the name of the block.
    stated
        The space group number that the file states, 0 if it states none.
    """

    name: str
    crystal: Crystal
    stated: int


def read_crystal(path: str | Path) -> Crystal:
    """Return the crystal of the first block of a CIF file that has atoms.

    Symmetry is expanded to the full cell. The id is the name of the block.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    ValueError
        If the file cannot be read, has no atoms, or no sensible cell. The message
        names the file, the block and, for a syntax error, the line.
    FileNotFoundError
        If there is no such file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file.")
    try:
        block = structure_blocks(path.read_bytes())[0]
    except RefusedError as error:
        raise ValueError(f"{path}: {error}.") from None
    try:
        return read_block(block).crystal
    except RefusedError as error:
        raise ValueError(f"{path}, block {block.name!r}: {error}.") from None


def structure_blocks(content: bytes) -> list[gemmi.cif.Block]:
    """Return the blocks of a CIF file that describe a structure, one or more.

    Raises
    ------
    RefusedError
        If it is no CIF file, or no block has a cell or atoms.
    """
    try:
        # gemmi takes no line of a file whose lines end with a carriage return alone.
        text = _decode(content).replace("\r\n", "\n").replace("\r", "\n")
        document = gemmi.cif.read_string(text)
    except (ValueError, RuntimeError) as error:
        raise RefusedError(Reason.UNREADABLE, f"not a CIF file ({error})") from None
    blocks = [block for block in document if _has_atoms(block)]
    if not blocks:
        raise RefusedError(Reason.NO_ATOMS, "is this a CIF of a structure?")
    return blocks


def _decode(content: bytes) -> str:
    """Return text in UTF-8, or what old programs wrote: UTF-16 with a mark, Latin-1."""
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


def read_block(block: gemmi.cif.Block, max_atoms: int = MAX_ATOMS) -> CifBlock:
    """Return the crystal of one block.

    Atoms of alternative disorder groups are kept with their occupancies, as the
    average structure has them; of alternatives that are given as full, the first.

    Parameters
    ----------
    block
        The block.
    max_atoms
        The largest number of atoms, for each lattice point of a centred cell.

    Raises
    ------
    RefusedError
        If the block has no crystal that could be right.
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
    formula = _stated_formula(block)
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
        # gemmi takes NH4 for nihonium, and HO1 for holmium.
        if number > MAX_Z or (formula and number not in formula):
            raise RefusedError(
                Reason.UNKNOWN_ELEMENT,
                f"{site.type_symbol or site.label!r} read as {site.element.name}, "
                "which the formula does not have",
            )
        if not 0 < site.occ <= FULL:
            raise RefusedError(
                Reason.BAD_OCCUPANCY, f"{site.occ:g} of atom {site.label!r}"
            )
    lattice = np.array(cell.orth.mat.tolist()).T
    groups = _named_groups(small, cell)
    stated = _stated_group(block, groups)
    operations = _listed_operations(block)
    if operations:
        atoms = expand(sites, operations, lattice, max_atoms)
        crystal = _make(block.name, lattice, *atoms)
        return CifBlock(block.name, crystal, stated)
    if not groups:
        text = small.spacegroup_hm or small.spacegroup_hall or "nothing"
        raise RefusedError(
            Reason.NO_SYMMETRY,
            f"no operations, and the space group is not known: {text}",
        )
    readings, refused = [], None
    for group in groups:
        try:
            atoms = expand(sites, list(group.operations()), lattice, max_atoms)
            readings.append(_make(block.name, lattice, *atoms))
        except RefusedError as error:
            refused = error
    if not readings and refused:
        raise refused
    atoms = expand(sites, [gemmi.Op()], lattice, max_atoms)
    listed = _make(block.name, lattice, *atoms)
    return CifBlock(
        block.name, _choose_reading(readings, listed, block, stated), stated
    )


def _choose_reading(
    readings: list[Crystal], listed: Crystal, block: gemmi.cif.Block, stated: int
) -> Crystal:
    """Return what a file means that gives a symbol and no operations.

    That is the crystal which has what the formula says and the stated group: one of
    those that the symbol gives, with this origin or that, or else the atoms as they
    are listed, those of the whole cell (COD 5910133, indium).
    """
    for some in (readings, [listed]):
        right = [
            crystal
            for crystal in some
            if _fits_formula(crystal, block)
            and (not stated or has_group(crystal, stated))
        ]
        types = {find_symmetry(crystal).structure_type for crystal in right if stated}
        if len(types) > 1:
            raise RefusedError(
                Reason.NO_SYMMETRY, "no operations, and two origins are possible"
            )
        if right:
            return right[0]
    fitting = [crystal for crystal in readings if _fits_formula(crystal, block)]
    if fitting:
        return fitting[0]
    # Another origin was meant (COD 5910029, magnesite).
    raise RefusedError(
        Reason.NO_SYMMETRY,
        f"no operations, and those of the symbol give {readings[0].formula}",
    )


def _stated_formula(block: gemmi.cif.Block) -> dict[int, float]:
    """Return how many atoms of each element the formula of a file has."""
    text = gemmi.cif.as_string(block.find_value("_chemical_formula_sum") or "")
    stated: defaultdict[int, float] = defaultdict(float)
    for symbol, count in re.findall(r"([A-Z][a-z]?)\s*([0-9.]*)", text):
        with suppress(ValueError):
            stated[gemmi.Element(symbol).atomic_number] += float(count or 1)
    return {number: count for number, count in stated.items() if number and count}


def _fits_formula(crystal: Crystal, block: gemmi.cif.Block) -> bool:
    """Return whether a crystal has the atoms that the file states, but for hydrogen."""
    stated = _stated_formula(block)
    ratios = [
        crystal.occupancy[crystal.numbers == number].sum() / count
        for number, count in stated.items()
        if number > 1
    ]
    units = gemmi.cif.as_number(block.find_value("_cell_formula_units_Z") or "?")
    if ratios and units > 0:
        ratios.append(units)
    return not ratios or min(ratios) > 0.9 * max(ratios)


def _read_cell(block: gemmi.cif.Block) -> gemmi.UnitCell:
    """Return the cell as stated; gemmi's own reading takes a bad one for 1 × 1 × 1."""
    values = []
    for name in ("length_a", "length_b", "length_c"):
        values.append(gemmi.cif.as_number(block.find_value(f"_cell_{name}") or "?"))
    for name in ("angle_alpha", "angle_beta", "angle_gamma"):
        # An angle that is not there is 90 degrees: the CIF core dictionary's default.
        values.append(gemmi.cif.as_number(block.find_value(f"_cell_{name}") or "90"))
    if min(values) > 0 and max(values[3:]) < 180:
        cell = gemmi.UnitCell(*values)
        check_cell(np.array(cell.orth.mat.tolist()).T)
        return cell
    text = ", ".join(f"{value:g}" for value in values)
    raise RefusedError(Reason.BAD_CELL, f"got {text}")


def _choose_alternatives(
    sites: list[gemmi.SmallStructure.Site], block: gemmi.cif.Block
) -> list[gemmi.SmallStructure.Site]:
    """Leave out alternatives that are given as full atoms, but the first of each.

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


def _named_groups(
    small: gemmi.SmallStructure, cell: gemmi.UnitCell
) -> list[gemmi.SpaceGroup]:
    """Return the settings that a symbol can mean: those of two origins, if so.

    A Hall symbol means one. Whether R is hexagonal, the cell tells.
    """
    if small.spacegroup_hall:
        with suppress(ValueError, RuntimeError):
            operations = gemmi.symops_from_hall(small.spacegroup_hall)
            group = gemmi.find_spacegroup_by_ops(operations)
            if group is not None:
                return [group]
    symbol = small.spacegroup_hm
    group = gemmi.find_spacegroup_by_name(symbol, cell.alpha, cell.gamma)
    group = group or small.spacegroup
    if group is None:
        return []
    if group.ext not in ("1", "2") or ":" in symbol:
        return [group]
    return [
        group,
        *(
            other
            for other in gemmi.spacegroup_table()
            if other.hm == group.hm and other.ext in ("1", "2")
            if other.ext != group.ext
        ),
    ]


def _listed_operations(block: gemmi.cif.Block) -> list[gemmi.Op]:
    """Return the symmetry operations that the file lists."""
    columns = (list(block.find_loop(tag)) for tag in OPERATION_TAGS)
    listed: list[str] = next(filter(None, columns), [])
    try:
        return [gemmi.Op(gemmi.cif.as_string(text)) for text in listed]
    except (ValueError, RuntimeError) as error:
        raise RefusedError(
            Reason.UNREADABLE, f"a symmetry operation: {error}"
        ) from None


def _stated_group(block: gemmi.cif.Block, named: list[gemmi.SpaceGroup]) -> int:
    """Return the number of the stated space group: as a number, or by its symbol.

    P1 is what programs write that give the cell in full: it states nothing.
    """
    for tag in NUMBER_TAGS:
        number = gemmi.cif.as_number(block.find_value(tag) or "?")
        if 1 <= number <= 230 and number == round(number):
            return int(number) if number > 1 else 0
    return named[0].number if named and named[0].number > 1 else 0


def _make(
    name: str,
    lattice: Floats,
    numbers: NDArray[np.int64],
    frac: Floats,
    occupancy: Floats,
) -> Crystal:
    """Return the crystal of all images, one atom on each place."""
    try:
        atoms = merge_sites(numbers, frac, occupancy, lattice)
        return Crystal(name, lattice, *atoms)
    except RefusedError:
        raise
    except ValueError as error:
        raise RefusedError(Reason.UNREADABLE, str(error)) from None
