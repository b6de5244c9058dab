"""The symmetry that a CIF file states, and all atoms of the cell that it makes."""

import re
from collections import defaultdict
from contextlib import suppress

import gemmi
import numpy as np
from numpy.typing import NDArray

from gromega.crystals.crystal import Crystal
from gromega.crystals.io.sites import SAME_SITE
from gromega.crystals.refusal import Reason, RefusedError
from gromega.crystals.symmetry import find_symmetry, has_group

Floats = NDArray[np.float64]

# Å. Images of a fully occupied site that are closer than this are one atom on a special
# position, given with few digits; gemmi merges at the same distance. Images of a partly
# occupied site are alternatives unless they coincide.
SPECIAL = 0.4
NUMBER_TAGS = ("_space_group_IT_number", "_symmetry_Int_Tables_number")
OPERATION_TAGS = (
    "_space_group_symop_operation_xyz",
    "_symmetry_equiv_pos_as_xyz",
    "_space_group_symop.operation_xyz",
)


def listed_operations(block: gemmi.cif.Block) -> list[gemmi.Op]:
    """Return the symmetry operations that a block lists; refuse unreadable ones."""
    columns = (list(block.find_loop(tag)) for tag in OPERATION_TAGS)
    listed: list[str] = next(filter(None, columns), [])
    try:
        return [gemmi.Op(gemmi.cif.as_string(text)) for text in listed]
    except (ValueError, RuntimeError) as error:
        raise RefusedError(
            Reason.UNREADABLE, f"a symmetry operation: {error}"
        ) from None


def named_groups(
    small: gemmi.SmallStructure, cell: gemmi.UnitCell
) -> list[gemmi.SpaceGroup]:
    """Return the settings that the symbols of a file can mean.

    A Hall symbol means one setting. A Hermann-Mauguin symbol may mean two settings with
    different origins. The cell shows whether the axes of R are hexagonal.
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
    other = "2" if group.ext == "1" else "1"
    settings = gemmi.spacegroup_table()
    return [group, *(x for x in settings if x.hm == group.hm and x.ext == other)]


def stated_group(block: gemmi.cif.Block, named: list[gemmi.SpaceGroup]) -> int:
    """Return the space group number that a block or its named setting states, or 0.

    P1 counts as none: programs write it when they list all atoms of the cell.
    """
    for tag in NUMBER_TAGS:
        number = gemmi.cif.as_number(block.find_value(tag) or "?")
        if 1 <= number <= 230 and number == round(number):
            return int(number) if number > 1 else 0
    return named[0].number if named and named[0].number > 1 else 0


def stated_formula(block: gemmi.cif.Block) -> dict[int, float]:
    """Return the amount of each element in the formula of a block, by atomic number."""
    text = gemmi.cif.as_string(block.find_value("_chemical_formula_sum") or "")
    stated: defaultdict[int, float] = defaultdict(float)
    for symbol, count in re.findall(r"([A-Z][a-z]?)\s*([0-9.]*)", text):
        with suppress(ValueError):
            stated[gemmi.Element(symbol).atomic_number] += float(count or 1)
    return {number: count for number, count in stated.items() if number and count}


def choose_reading(
    readings: list[Crystal], listed: Crystal, block: gemmi.cif.Block, stated: int
) -> Crystal:
    """Return the crystal of a block that states a symbol and no operations.

    It must agree with the formula and the stated space group, if not 0. The readings
    are those of the settings of the symbol. The listed atoms may be the whole cell (COD
    5910133, indium). Raise RefusedError if no crystal agrees, or two with different
    structure types do.
    """
    for some in (readings, [listed]):
        fitting = [x for x in some if _fits_formula(x, block)]
        right = [x for x in fitting if not stated or has_group(x, stated)]
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
    # The file means another origin (COD 5910029, magnesite).
    raise RefusedError(
        Reason.NO_SYMMETRY,
        f"no operations, and those of the symbol give {readings[0].formula}",
    )


def _fits_formula(crystal: Crystal, block: gemmi.cif.Block) -> bool:
    """Return whether a crystal has the formula of a block, hydrogen aside."""
    stated = stated_formula(block)
    ratios = [
        crystal.occupancy[crystal.numbers == number].sum() / count
        for number, count in stated.items()
        if number > 1
    ]
    units = gemmi.cif.as_number(block.find_value("_cell_formula_units_Z") or "?")
    if ratios and units > 0:
        ratios.append(units)
    return not ratios or min(ratios) > 0.9 * max(ratios)


def expand_asymmetric_unit(
    sites: list[gemmi.SmallStructure.Site],
    operations: list[gemmi.Op],
    lattice: Floats,
    max_atoms: int,
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Return numbers (n,), frac (n, 3) and occupancy (n,) of all images of the sites.

    The lattice is (3, 3) in Å, and `max_atoms` is the limit per lattice point. Raise
    RefusedError if the operations are not a group, the cell does not have their
    symmetry, or they make too many atoms.
    """
    rotations = np.array([op.rot for op in operations]) / gemmi.Op.DEN
    translations = np.array([op.tran for op in operations]) / gemmi.Op.DEN
    _check_operations(operations, rotations, lattice)
    centring = max(1, int((rotations == np.eye(3)).all(axis=(1, 2)).sum()))
    numbers: list[int] = []
    frac, occupancy = [], []
    for site in sites:
        images = (rotations @ site.fract.tolist() + translations) % 1.0
        near = SPECIAL if site.occ > 0.99 else SAME_SITE
        atoms = _merge_images(images, lattice, near)
        frac.append(atoms)
        numbers += [site.element.atomic_number] * len(atoms)
        occupancy += [min(site.occ, 1.0)] * len(atoms)
        if len(numbers) > max_atoms * centring:
            raise RefusedError(
                Reason.TOO_MANY_ATOMS, f"more than {max_atoms}, of {len(sites)} sites"
            )
    return np.array(numbers), np.concatenate(frac), np.array(occupancy)


def _check_operations(
    operations: list[gemmi.Op], rotations: Floats, lattice: Floats
) -> None:
    """Refuse operations that are not a group, or not of this cell."""
    whole = np.allclose(np.abs(np.linalg.det(rotations)), 1.0)
    if len(rotations) > 192 or not whole or not _is_closed(operations):
        raise RefusedError(Reason.UNREADABLE, "the symmetry operations are not a group")
    metric = lattice @ lattice.T
    turned = np.swapaxes(rotations, 1, 2) @ metric @ rotations
    lengths = np.sqrt(np.diag(metric))
    if (np.abs(turned - metric) > 0.03 * np.outer(lengths, lengths)).any():
        text = ", ".join(f"{x:.4g}" for x in _cell_of(lattice))
        raise RefusedError(
            Reason.BAD_CELL, f"{text} does not have the symmetry of the operations"
        )


def _is_closed(operations: list[gemmi.Op]) -> bool:
    different = {op.wrap().triplet() for op in operations}
    group = gemmi.GroupOps(operations)
    try:
        group.add_missing_elements()
    except RuntimeError:
        # The operations generate an infinite group.
        return False
    return len(list(group)) == len(different)


def _cell_of(lattice: Floats) -> list[float]:
    """Return a, b, c (Å) and the angles (degrees) of a lattice."""
    lengths = np.linalg.norm(lattice, axis=1)
    unit = lattice / lengths[:, None]
    cosines = [unit[i] @ unit[j] for i, j in ((1, 2), (0, 2), (0, 1))]
    return [*lengths.tolist(), *np.degrees(np.arccos(cosines)).tolist()]


def _merge_images(images: Floats, lattice: Floats, near: float) -> Floats:
    """Return the mean of each cluster of images: the exact special position."""
    atoms: list[Floats] = []
    while len(images):
        steps = images - images[0]
        steps -= np.round(steps)
        together = np.linalg.norm(steps @ lattice, axis=1) < near
        atoms.append(images[0] + steps[together].mean(axis=0))
        images = images[~together]
    return np.array(atoms) % 1.0
