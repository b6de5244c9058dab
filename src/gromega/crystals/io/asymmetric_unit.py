"""From the sites of an asymmetric unit to all atoms of the cell."""

import gemmi
import numpy as np
from numpy.typing import NDArray

from gromega.crystals.io.sites import SAME_SITE
from gromega.crystals.refusal import Reason, RefusedError

Floats = NDArray[np.float64]

# Å. Images of a fully occupied site that are closer than this are one atom on a special
# position, given with few digits; gemmi merges at the same distance. Images of a partly
# occupied site are alternatives unless they coincide.
SPECIAL = 0.4


def expand_asymmetric_unit(
    sites: list[gemmi.SmallStructure.Site],
    operations: list[gemmi.Op],
    lattice: Floats,
    max_atoms: int,
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Return the atoms that symmetry operations make of some sites.

    Parameters
    ----------
    sites, operations
        The sites of the asymmetric unit, and all symmetry operations.
    lattice
        The cell vectors as rows, Å, (3, 3).
    max_atoms
        The largest number of atoms per lattice point of the cell.

    Returns
    -------
    numbers, frac, occupancy
        The atomic numbers, the fractional coordinates from 0 to 1, and the occupancies,
        (n,), (n, 3) and (n,).

    Raises
    ------
    RefusedError
        If the operations are not a group, the cell does not have their symmetry, or
        they make too many atoms.
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
