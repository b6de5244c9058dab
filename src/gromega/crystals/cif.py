"""CIF files: one crystal from one file, by gemmi."""

from pathlib import Path

import gemmi
import numpy as np

from gromega.crystals.crystal import Crystal

_SAME_SITE = 1e-3


def read_crystal(path: str | Path) -> Crystal:
    """Return the crystal of the first block of a CIF file that has atoms.

    Symmetry is expanded to the full cell; atoms of one element that symmetry puts on
    top of one another are one atom. The id is the name of the block.

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
    # gemmi reads a missing or unreadable cell as 1 1 1 90 90 90.
    lengths = [gemmi.cif.as_number(block.find_value(f"_cell_length_{x}") or "?")
               for x in "abc"]  # fmt: skip
    if not np.isfinite(lengths).all() or min(lengths) <= 0.5:
        raise ValueError(f"{where}: the cell lengths are missing or impossible.")
    if small.spacegroup is None:
        raise ValueError(f"{where}: the space group is not stated or not known.")
    lattice = np.array(small.cell.orth.mat.tolist()).T
    numbers, frac, occupancy = [], [], []
    for site in small.get_all_unit_cell_sites():
        if site.element.atomic_number == 0:
            raise ValueError(f"{where}: the atom {site.label!r} is no element.")
        numbers.append(site.element.atomic_number)
        frac.append(site.fract.tolist())
        occupancy.append(site.occ)
    kept = _distinct(np.array(frac), np.array(numbers), np.array(lengths))
    try:
        return Crystal(
            block.name,
            lattice,
            np.array(numbers)[kept],
            np.array(frac)[kept],
            np.array(occupancy)[kept],
        )
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _distinct(frac: np.ndarray, numbers: np.ndarray, lengths: np.ndarray) -> list[int]:
    """Return the indices of atoms that no earlier atom of their element covers."""
    kept: list[int] = []
    for i, position in enumerate(frac):
        steps = frac[kept] - position
        steps -= np.round(steps)
        same = (np.abs(steps) * lengths < _SAME_SITE).all(axis=1)
        if not (same & (numbers[kept] == numbers[i])).any():
            kept.append(i)
    return kept
