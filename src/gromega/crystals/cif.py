"""CIF files: one crystal from one file, by gemmi."""

from collections.abc import Iterable
from pathlib import Path

import gemmi
import numpy as np
from numpy.typing import NDArray

from gromega.crystals.crystal import Crystal

_SAME_SITE = 1e-3


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
        document = gemmi.cif.read(str(path))
    except (ValueError, RuntimeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a CIF file ({error}).") from None
    for block in document:
        small = gemmi.make_small_structure_from_block(block)
        if small.sites:
            return _expand(small, block, path)
    raise ValueError(f"{path}: no block has atoms; is this a CIF of a structure?")


def _expand(small: gemmi.SmallStructure, block: gemmi.cif.Block, path: Path) -> Crystal:
    where = f"{path}, block {block.name!r}"
    if small.spacegroup is None:
        raise ValueError(f"{where}: the space group is not stated or not known.")
    cell = _read_cell(block, where)
    sites = small.get_all_unit_cell_sites()
    for site in sites:
        if site.element.atomic_number == 0:
            raise ValueError(f"{where}: the atom {site.label!r} is no element.")
    numbers, frac, occupancy = _merge(sites, np.array(cell.parameters[:3]))
    lattice = np.array(cell.orth.mat.tolist()).T
    try:
        return Crystal(block.name, lattice, numbers, frac, occupancy)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _read_cell(block: gemmi.cif.Block, where: str) -> gemmi.UnitCell:
    """Return the cell as stated; gemmi's own reading takes a bad one for 1 × 1 × 1."""
    values = []
    for name in ("length_a", "length_b", "length_c"):
        values.append(gemmi.cif.as_number(block.find_value(f"_cell_{name}") or "?"))
    for name in ("angle_alpha", "angle_beta", "angle_gamma"):
        # An angle that is not there is 90 degrees: the CIF core dictionary's default.
        values.append(gemmi.cif.as_number(block.find_value(f"_cell_{name}") or "90"))
    sensible = np.isfinite(values).all() and min(values[:3]) > 0.5
    if not sensible or min(values[3:]) <= 0 or max(values[3:]) >= 180:
        raise ValueError(f"{where}: the cell is missing or impossible, got {values}.")
    return gemmi.UnitCell(*values)


def _merge(
    sites: Iterable[gemmi.SmallStructure.Site], lengths: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return numbers, positions and occupancies, one atom per element and place.

    Images of one site that fall together are one atom; of two sites of an element,
    such as Fe²⁺ and Fe³⁺, the occupancies add up.
    """
    numbers: list[int] = []
    frac: list[list[float]] = []
    occupancy: list[float] = []
    labels: list[set[str]] = []
    for site in sites:
        steps = np.array(frac).reshape(-1, 3) - site.fract.tolist()
        steps -= np.round(steps)
        near = (np.abs(steps) * lengths < _SAME_SITE).all(axis=1)
        alike = np.array(numbers, dtype=int) == site.element.atomic_number
        same = np.flatnonzero(near & alike)
        if same.size == 0:
            numbers.append(site.element.atomic_number)
            frac.append(site.fract.tolist())
            occupancy.append(site.occ)
            labels.append({site.label})
        elif site.label not in labels[same[0]]:
            labels[same[0]].add(site.label)
            total = occupancy[same[0]] + site.occ
            # Old files list full atoms that symmetry makes as well: those are one.
            if total < 1.01:
                occupancy[same[0]] = min(total, 1.0)
    return np.array(numbers), np.array(frac), np.array(occupancy)
