"""CIF files: the crystals of their blocks, parsed by gemmi."""

import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import gemmi
import numpy as np
from numpy.typing import NDArray

from gromega.crystals.crystal import Crystal
from gromega.crystals.fingerprint import fingerprint
from gromega.crystals.io.atom_sites import read_sites
from gromega.crystals.io.cif_cell import check_angles, read_lattice
from gromega.crystals.io.cif_text import BadBlock, has_atoms, structure_blocks
from gromega.crystals.io.operations import Operations, read_operations
from gromega.crystals.io.settings import (
    listed_operations,
    operations_of,
    other_origin,
    refuse_modulated,
    stated_number,
    stated_settings,
    stated_symbol,
)
from gromega.crystals.io.sites import MAX_ATOMS
from gromega.crystals.io.stated_formula import (
    agrees,
    common_factor,
    fits,
    formula_units,
    stated_formulas,
)
from gromega.crystals.io.unit_cell import Populations, UnitCell, expand_sites
from gromega.crystals.read_formula import Amounts
from gromega.crystals.refusal import Reason, RefusedError
from gromega.crystals.symmetry import has_group

Floats = NDArray[np.float64]

# Coordinates of one origin with operations of the other give these. If the other origin
# gives the stated formula and group, it is the one that the author used: the COD gives
# F d -3 m the origin 2 in 5910063 and 5910064, spinels of Wyckoff's book.
_WRONG_ORIGIN = (Reason.OVERLAP, Reason.BAD_OCCUPANCY, Reason.OTHER_FORMULA)


class _UnclearError(RefusedError):
    """Raised for occupancies of two meanings; it shows no wrong origin."""


class Reading(NamedTuple):
    """What a block describes: its crystal, the stated group or 0, and notes."""

    crystal: Crystal
    stated: int
    notes: Sequence[str]


def read_crystal(path: str | Path) -> Crystal:
    """Read the first block of a CIF file that has atoms.

    Symmetry is expanded to the full cell. The id is the name of the block. A warning
    says what was left out or converted.

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
        blocks = structure_blocks(path.read_bytes())
        # Without atoms, the first one says what is wrong.
        block = next(filter(has_atoms, blocks), blocks[0])
    except RefusedError as error:
        raise ValueError(f"{path}: {error}.") from None
    try:
        reading = read_block(block)
    except RefusedError as error:
        raise ValueError(f"{path}, block {block.name!r}: {error}.") from None
    for note in reading.notes:
        warnings.warn(f"{path}: {note}.", stacklevel=2)
    return reading.crystal


def read_block(
    block: gemmi.cif.Block | BadBlock, max_atoms: int = MAX_ATOMS
) -> Reading:
    """Return the crystal of a block.

    Atoms of alternative disorder groups are kept with their occupancies. If the
    alternatives are given with full occupancy, the first one is kept. Raise
    RefusedError if the block does not describe a possible crystal, or not the one of
    the formula that it states.
    """
    if isinstance(block, BadBlock):
        raise RefusedError(Reason.UNREADABLE, block.detail)
    if not has_atoms(block):
        raise RefusedError(Reason.NO_ATOMS, "no site")
    refuse_modulated(block)
    lattice = read_lattice(block)
    text, formulas = stated_formulas(block)
    refused = None
    for formula in formulas or [{}]:
        try:
            return _Block(block, lattice, text, formula, max_atoms).read()
        except RefusedError as error:
            # The first spelling is the usual one.
            refused = refused or error
    assert refused is not None
    raise refused


@dataclass(frozen=True, eq=False)
class _Block:
    """A block whose formula, (its text, and the composition that it means), is known.

    The composition is empty if the block states none.
    """

    block: gemmi.cif.Block
    lattice: Floats
    text: str
    formula: Amounts
    max_atoms: int

    def read(self) -> Reading:
        settings = stated_settings(self.block, self.lattice)
        # P1 counts as none: programs write it when they list all atoms of the cell.
        stated = stated_number(self.block) or (settings[0].number if settings else 0)
        stated = stated if stated > 1 else 0
        operations = listed_operations(self.block)
        if operations is None and len({setting.hm for setting in settings}) != 1:
            raise RefusedError(Reason.NO_SYMMETRY, self._unknown_group(settings))
        groups = [operations] if operations else [*map(operations_of, settings)]
        check_angles(self.block, groups)
        try:
            if operations is None:
                return self.choose(settings, stated)._replace(stated=stated)
            reading = self.expand(operations)
            self._check_units(reading.crystal)
            return reading._replace(stated=stated)
        except RefusedError as error:
            other = other_origin(settings)
            is_unclear = isinstance(error, _UnclearError)
            if is_unclear or error.reason not in _WRONG_ORIGIN:
                raise
            if not (self.formula and other):
                raise
            with suppress(RefusedError):
                found = self.expand(operations_of(other))
                self._check_units(found.crystal)
                if has_group(found.crystal, stated):
                    note = f"read with the other origin choice, {other.xhm()}"
                    return Reading(found.crystal, stated, [*found.notes, note])
            raise

    def _unknown_group(self, settings: list[gemmi.SpaceGroup]) -> str:
        symbol, number = stated_symbol(self.block), stated_number(self.block)
        if settings:
            names = ", ".join(setting.xhm() for setting in settings)
            return f"the setting may be any of {names}: add the operations"
        if number and not symbol:
            return f"no operations, and the cell is not one of the space group {number}"
        return f"no operations, and the space group is not known: {symbol or 'nothing'}"

    def expand(self, operations: Operations) -> Reading:
        """Return the crystal that operations make; it must have the formula."""
        sites, notes = read_sites(self.block, frozenset(self.formula), self.lattice)
        cell = expand_sites(sites, operations, self.lattice, self.max_atoms)
        once, repeated = cell.without_repeats()
        given = self._fitting(cell, None)
        if repeated and isinstance(single := self._fitting(once, None), Crystal):
            # The formula shows whether a partial atom is listed twice.
            total = single.occupancy.sum()
            if isinstance(given, Crystal) and given.occupancy.sum() > 1.001 * total:
                detail = f"{repeated} may be listed twice: delete it or add the formula"
                raise _UnclearError(Reason.BAD_OCCUPANCY, detail)
            cell, given = once, single
        populations = cell.converted()
        other = populations and self._fitting(cell, populations.occupancies)
        if (
            populations
            and isinstance(other, Crystal)
            and (
                isinstance(given, RefusedError)
                or self._are_populations(cell, populations, given, other)
            )
        ):
            note = "occupancies that are populations, m / M, were converted"
            return Reading(other, 0, [*notes, note])
        if isinstance(given, RefusedError):
            raise given
        return Reading(given, 0, notes)

    def _fitting(
        self, cell: UnitCell, occupancies: list[float] | None
    ) -> Crystal | RefusedError:
        """Return the crystal of some occupancies, or why it is not that of the file."""
        try:
            crystal = cell.crystal(self.block.name, occupancies)
        except RefusedError as error:
            return error
        if fits(self.text, self.formula, crystal):
            return crystal
        return RefusedError(
            Reason.OTHER_FORMULA,
            f"the atoms are {crystal.formula}, the file states {self.text}",
        )

    def _are_populations(
        self,
        cell: UnitCell,
        populations: Populations,
        given: Crystal,
        converted: Crystal,
    ) -> bool:
        """Return whether occupancies are populations, if both have the formula.

        They are if only so the number of formula units is right, or all sites are full
        and the values differ as the multiplicities do, or are tiny. Raise RefusedError
        if that is not certain.
        """
        fit = [agrees(self.formula, x, hydrogen=True) for x in (given, converted)]
        if self.formula and fit[0] != fit[1]:
            return fit[1]
        units = self._units()
        if self.formula and units > 0:
            off = [
                abs(formula_units(self.formula, crystal) / units - 1)
                for crystal in (given, converted)
            ]
            if min(off) < 0.1 and abs(off[0] - off[1]) > 0.03:
                return off[1] < off[0]
        if populations.has_general and not (populations.full or self.formula):
            return False
        largest = max(site.occupancy for site in cell.sites)
        several = len({len(orbit) for orbit in cell.orbits}) > 1
        special = populations.full and not populations.has_general
        if special and (several or largest < 0.1):
            return True
        raise _UnclearError(
            Reason.BAD_OCCUPANCY,
            f"{largest:g} at most may be occupancies or populations m / M: add the "
            "formula and the number of formula units",
        )

    def _units(self) -> float:
        """Return the number of formula units in the cell, or nan."""
        text = self.block.find_value("_cell_formula_units_Z") or "?"
        return float(gemmi.cif.as_number(text))

    def _check_units(self, crystal: Crystal) -> None:
        """Refuse a crystal with another number of formula units than the file states.

        Programs write 1 for a number that they do not know. Beside the formula of the
        whole cell, pymatgen writes the number of the reduced formula.
        """
        units, found = self._units(), formula_units(self.formula, crystal)
        both = {found, found * common_factor(self.formula)}
        if self.formula and units > 1 and all(abs(n / units - 1) > 0.1 for n in both):
            states = f"{found:.3g} formula units {self.text}, the file states {units:g}"
            detail = f"the cell has {states}: correct the operations or the number"
            raise RefusedError(Reason.OTHER_FORMULA, detail)

    def _listed_atoms(self, stated: int) -> Reading | None:
        """Return the listed atoms as the whole cell, if they have the stated group."""
        with suppress(RefusedError):
            whole = self.expand(read_operations(("x,y,z",)))
            # One site shows nothing.
            sites = np.unique(whole.crystal.frac, axis=0)
            if len(sites) > 1 and has_group(whole.crystal, stated):
                return whole
        return None

    def _repeats(self, settings: list[gemmi.SpaceGroup]) -> bool:
        """Return whether the operations make one listed atom of another."""
        # A file that needs the operations lists one atom of each orbit.
        sites, _ = read_sites(self.block, frozenset(self.formula), self.lattice)
        operations = operations_of(settings[0])
        cell = expand_sites(sites, operations, self.lattice, self.max_atoms)
        return sum(map(len, cell.orbits)) > self.expand(operations).crystal.numbers.size

    def choose(self, settings: list[gemmi.SpaceGroup], stated: int) -> Reading:
        """Return the crystal of a block that states a symbol or a number alone.

        It must agree with the formula and the number of formula units. The listed atoms
        may be all if only they have the stated space group (COD 5910133, indium). Raise
        RefusedError if no crystal agrees, or two different ones do.
        """
        readings, refused = [], None
        for setting in settings:
            try:
                readings.append(self.expand(operations_of(setting)))
            except RefusedError as error:
                refused = refused or error
        units = self._units()
        if self.formula and units > 0:
            counted = [
                each
                for each in readings
                if 0.9 < formula_units(self.formula, each.crystal) / units < 1.1
            ]
            if not counted and readings:
                found = readings[0].crystal.formula
                refused = RefusedError(
                    Reason.NO_SYMMETRY,
                    f"no operations, and those of the symbol give {found} with another "
                    f"number of formula units than {units:g}",
                )
            readings = counted
        if stated and not any(has_group(each.crystal, stated) for each in readings):
            # The listed atoms may be all.
            whole = self._listed_atoms(stated)
            if whole and readings and not (units > 0 or self._repeats(settings)):
                raise RefusedError(
                    Reason.NO_SYMMETRY, "no operations, and the listed atoms may be all"
                )
            if whole:
                return whole
        if not readings:
            # The file means another origin (COD 5910029, magnesite).
            assert refused is not None
            raise refused
        # A reading that is refused for anything else may be the one that is meant.
        excluding = (Reason.OVERLAP, Reason.OTHER_FORMULA, Reason.NO_SYMMETRY)
        certain = refused is None or refused.reason in excluding
        first = readings[0].crystal
        if not certain or any(not _is_same(first, x.crystal) for x in readings[1:]):
            names = " or ".join(setting.xhm() for setting in settings)
            raise RefusedError(
                Reason.NO_SYMMETRY, f"no operations, and the setting may be {names}"
            )
        return readings[0]


def _is_same(one: Crystal, other: Crystal) -> bool:
    """Return whether two crystals have the same distances."""
    return one.formula == other.formula and np.allclose(
        fingerprint(one), fingerprint(other), rtol=1e-3
    )
