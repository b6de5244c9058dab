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
from gromega.crystals.places import FULL, SAME_PLACE, merge_places
from gromega.crystals.quarantine import Reason, RefusedError
from gromega.crystals.symmetry import space_group

Floats = NDArray[np.float64]

MAX_ATOMS = 1000
# Å. Images of one full atom that are nearer than this are one atom on a special
# position, given with few digits; gemmi merges at the same distance. Images of a
# partly occupied one are alternatives, unless they fall together.
SPECIAL = 0.4
# Minerals of AMCSD have water as one site, Wat; its hydrogen is not listed.
WATER = "Wat"
NUMBER_TAGS = ("_space_group_IT_number", "_symmetry_Int_Tables_number")
OPERATION_TAGS = (
    "_space_group_symop_operation_xyz",
    "_symmetry_equiv_pos_as_xyz",
    "_space_group_symop.operation_xyz",
)


@dataclass(frozen=True)
class Block:
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
        document = gemmi.cif.read_string(_decode(content))
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


def read_block(block: gemmi.cif.Block, max_atoms: int = MAX_ATOMS) -> Block:
    """Return the crystal of one block.

    Atoms of alternative disorder groups are kept with their occupancies, as the
    average structure has them; of alternatives that are given as full, the first.

    Parameters
    ----------
    block
        The block.
    max_atoms
        The largest number of atoms in a primitive cell.

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
    sites = _choose_alternative(sites)
    for site in sites:
        if not np.isfinite(site.fract.tolist()).all():
            raise RefusedError(Reason.NO_COORDINATES, f"of atom {site.label!r}")
        if site.element.atomic_number == 0:
            if not site.label.startswith(WATER):
                raise RefusedError(
                    Reason.UNKNOWN_ELEMENT, f"{site.type_symbol or site.label!r}"
                )
            site.element = gemmi.Element("O")
        if not 0 < site.occ <= FULL:
            raise RefusedError(
                Reason.BAD_OCCUPANCY, f"{site.occ:g} of atom {site.label!r}"
            )
    lattice = np.array(cell.orth.mat.tolist()).T
    named = _named_group(small, cell)
    stated = _stated_group(block, named)
    operations = _listed_operations(block)
    if operations:
        atoms = _expand(sites, operations, lattice, max_atoms)
        return Block(block.name, _make(block.name, lattice, *atoms), stated)
    # Without operations, the atoms may be those of the whole cell, or symmetry is to
    # make the others: the stated group tells (COD 5910133, indium).
    listed = _make(
        block.name, lattice, *_expand(sites, [gemmi.Op()], lattice, max_atoms)
    )
    if stated and _has_group(listed, stated):
        return Block(block.name, listed, stated)
    if named is None:
        text = small.spacegroup_hm or small.spacegroup_hall or "nothing"
        raise RefusedError(
            Reason.NO_SYMMETRY,
            f"no operations, and the space group is not known: {text}",
        )
    atoms = _expand(sites, list(named.operations()), lattice, max_atoms)
    crystal = _make(block.name, lattice, *atoms)
    if not _fits_formula(crystal, block):
        # Another origin was meant (COD 5910029, magnesite).
        raise RefusedError(
            Reason.NO_SYMMETRY,
            f"no operations, and those of {named.xhm()} give {crystal.formula}",
        )
    return Block(block.name, crystal, stated)


def _has_group(crystal: Crystal, group: int) -> bool:
    try:
        return space_group(crystal) == group
    except ValueError:
        return False


def _fits_formula(crystal: Crystal, block: gemmi.cif.Block) -> bool:
    """Return whether the shares of elements but hydrogen are as the file states."""
    text = gemmi.cif.as_string(block.find_value("_chemical_formula_sum") or "")
    stated: defaultdict[int, float] = defaultdict(float)
    for symbol, count in re.findall(r"([A-Z][a-z]?)\s*([0-9.]*)", text):
        with suppress(ValueError):
            stated[gemmi.Element(symbol).atomic_number] += float(count or 1)
    ratios = [
        crystal.occupancy[crystal.numbers == number].sum() / stated[number]
        for number in stated
        if number > 1 and stated[number]
    ]
    return not ratios or min(ratios) > 0.9 * max(ratios)


def _read_cell(block: gemmi.cif.Block) -> gemmi.UnitCell:
    """Return the cell as stated; gemmi's own reading takes a bad one for 1 × 1 × 1."""
    values = []
    for name in ("length_a", "length_b", "length_c"):
        values.append(gemmi.cif.as_number(block.find_value(f"_cell_{name}") or "?"))
    for name in ("angle_alpha", "angle_beta", "angle_gamma"):
        # An angle that is not there is 90 degrees: the CIF core dictionary's default.
        values.append(gemmi.cif.as_number(block.find_value(f"_cell_{name}") or "90"))
    sensible = np.isfinite(values).all() and min(values[:3]) > 0.5
    sensible = sensible and max(values[:3]) < 1e3 and min(values[3:]) > 0
    if sensible and max(values[3:]) < 180:
        cell = gemmi.UnitCell(*values)
        cosines = np.cos(np.radians(values[3:]))
        squared = 1 - cosines @ cosines + 2 * cosines.prod()
        if squared > 1e-4:
            return cell
    text = ", ".join(f"{value:g}" for value in values)
    raise RefusedError(Reason.BAD_CELL, f"got {text}")


def _choose_alternative(
    sites: list[gemmi.SmallStructure.Site],
) -> list[gemmi.SmallStructure.Site]:
    """Leave out alternatives that are given as full atoms, but for the first."""
    groups = sorted({s.disorder_group for s in sites if s.disorder_group > 0})
    full = [
        group
        for group in groups
        if all(s.occ > 0.99 for s in sites if s.disorder_group == group)
    ]
    return [s for s in sites if s.disorder_group not in full[1:]]


def _named_group(
    small: gemmi.SmallStructure, cell: gemmi.UnitCell
) -> gemmi.SpaceGroup | None:
    """Return the group of a symbol; whether R is hexagonal, the cell tells."""
    return (
        gemmi.find_spacegroup_by_name(small.spacegroup_hm, cell.alpha, cell.gamma)
        or small.spacegroup
    )


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


def _stated_group(block: gemmi.cif.Block, named: gemmi.SpaceGroup | None) -> int:
    """Return the number of the stated space group: as a number, or by its symbol.

    P1 is what programs write that give the cell in full: it states nothing.
    """
    for tag in NUMBER_TAGS:
        number = gemmi.cif.as_number(block.find_value(tag) or "?")
        if 1 <= number <= 230 and number == round(number):
            return int(number) if number > 1 else 0
    return named.number if named is not None and named.number > 1 else 0


def _expand(
    sites: list[gemmi.SmallStructure.Site],
    operations: list[gemmi.Op],
    lattice: Floats,
    max_atoms: int,
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Return numbers, positions and occupancies of all images of the sites."""
    rotations = np.array([op.rot for op in operations]) / gemmi.Op.DEN
    translations = np.array([op.tran for op in operations]) / gemmi.Op.DEN
    _check_operations(rotations, lattice)
    centring = max(1, int((rotations == np.eye(3)).all(axis=(1, 2)).sum()))
    numbers: list[int] = []
    frac, occupancy = [], []
    for site in sites:
        images = (rotations @ site.fract.tolist() + translations) % 1.0
        near = SPECIAL if site.occ > 0.99 else SAME_PLACE
        atoms = _one_each(images, lattice, near)
        frac.append(atoms)
        numbers += [site.element.atomic_number] * len(atoms)
        occupancy += [min(site.occ, 1.0)] * len(atoms)
        if len(numbers) > max_atoms * centring:
            raise RefusedError(
                Reason.TOO_MANY_ATOMS,
                f"more than {max_atoms}, of {len(sites)} sites",
            )
    return np.array(numbers), np.concatenate(frac), np.array(occupancy)


def _check_operations(rotations: Floats, lattice: Floats) -> None:
    """Refuse what is no group of the cell."""
    whole = np.allclose(np.abs(np.linalg.det(rotations)), 1.0)
    if len(rotations) > 192 or not whole:
        raise RefusedError(Reason.UNREADABLE, "the symmetry operations are no group")
    metric = lattice @ lattice.T
    turned = np.swapaxes(rotations, 1, 2) @ metric @ rotations
    lengths = np.sqrt(np.diag(metric))
    if (np.abs(turned - metric) > 0.03 * np.outer(lengths, lengths)).any():
        text = ", ".join(f"{x:.4g}" for x in _cell_of(lattice))
        raise RefusedError(
            Reason.BAD_CELL, f"{text} does not have the symmetry of the operations"
        )


def _cell_of(lattice: Floats) -> list[float]:
    """Return a, b, c (Å) and the angles (degrees) of a lattice."""
    lengths = np.linalg.norm(lattice, axis=1)
    unit = lattice / lengths[:, None]
    cosines = [unit[i] @ unit[j] for i, j in ((1, 2), (0, 2), (0, 1))]
    return [*lengths.tolist(), *np.degrees(np.arccos(cosines)).tolist()]


def _make(
    name: str,
    lattice: Floats,
    numbers: NDArray[np.int64],
    frac: Floats,
    occupancy: Floats,
) -> Crystal:
    """Return the crystal of all images, one atom on each place."""
    try:
        atoms = merge_places(numbers, frac, occupancy, lattice)
        return Crystal(name, lattice, *atoms)
    except RefusedError:
        raise
    except ValueError as error:
        raise RefusedError(Reason.UNREADABLE, str(error)) from None


def _one_each(images: Floats, lattice: Floats, near: float) -> Floats:
    """Return the mean of each cluster of images, so that it is at the very position."""
    atoms: list[Floats] = []
    while len(images):
        steps = images - images[0]
        steps -= np.round(steps)
        together = np.linalg.norm(steps @ lattice, axis=1) < near
        atoms.append(images[0] + steps[together].mean(axis=0))
        images = images[~together]
    return np.array(atoms) % 1.0
