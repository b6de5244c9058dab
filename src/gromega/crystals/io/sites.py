"""Places: which atoms share one, and which are too close to be there at once."""

from collections.abc import Iterator

import gemmi
import numpy as np
from numpy.typing import NDArray

from gromega.crystals.refusal import Reason, RefusedError

Floats = NDArray[np.float64]

# Atoms in a cell, for each lattice point of a centred one.
MAX_ATOMS = 1000
# Å.
SAME_PLACE = 0.02
# Å. The shortest bond, of H2, is 0.74.
OVERLAP = 0.5
# Rounded thirds add up to 1.01.
FULL = 1.02


def check_cell(lattice: Floats) -> None:
    """Refuse a cell (Å, (3, 3)) without volume, or with edges that no crystal has.

    Raises
    ------
    RefusedError
        If an edge is not from 0.5 to 1000 Å, or the cell is nearly flat.
    """
    if np.isfinite(lattice).all():
        edges = np.linalg.norm(lattice, axis=1)
        if edges.min() > 0.5 and edges.max() < 1e3:
            if abs(np.linalg.det(lattice)) > 0.01 * edges.prod():
                return
            raise RefusedError(Reason.BAD_CELL, "it is flat")
    rows = "; ".join(", ".join(f"{x:.4g}" for x in row) for row in lattice)
    raise RefusedError(Reason.BAD_CELL, f"got {rows} Å")


def merge_sites(
    numbers: NDArray[np.int64], frac: Floats, occupancy: Floats, lattice: Floats
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Return atoms (numbers, frac, occupancy), one for each element on each place.

    The occupancies of Fe²⁺ and Fe³⁺ on one place add up. Full atoms that symmetry makes
    and old files list as well are one. Others may share a place, or be nearer than
    atoms can be, as long as they are not there at once.

    Parameters
    ----------
    numbers
        The atomic numbers, (n,).
    frac
        The fractional coordinates, from 0 to 1, (n, 3).
    occupancy
        The occupancies, (n,).
    lattice
        The cell vectors as rows, Å, (3, 3).

    Raises
    ------
    RefusedError
        If atoms overlap, or the occupancies of one place add up to more than 1.
    """
    pairs = list(_close_pairs(frac, lattice))
    place = np.arange(len(numbers))
    for i, j, distance in pairs:
        if distance < SAME_PLACE:
            place[place == place[j]] = place[i]
    atoms: list[tuple[int, int, float]] = []
    totals: dict[int, float] = {}
    for home in np.unique(place).tolist():
        shares: dict[int, list[float]] = {}
        for k in np.flatnonzero(place == home):
            shares.setdefault(int(numbers[k]), []).append(float(occupancy[k]))
        sums = {z: _share(z, some) for z, some in shares.items()}
        totals[home] = sum(sums.values())
        if totals[home] > FULL:
            names = " and ".join(gemmi.Element(z).name for z in sums)
            reason = Reason.BAD_OCCUPANCY
            if min(sums.values()) > 0.99:
                reason = Reason.OVERLAP
            raise RefusedError(reason, f"{totals[home]:.3g} of {names} on one place")
        atoms += [(home, z, min(share, 1.0)) for z, share in sums.items()]
    for i, j, distance in pairs:
        a, b = int(place[i]), int(place[j])
        if a != b and totals[a] + totals[b] > FULL:
            names = f"{gemmi.Element(int(numbers[i])).name} and "
            names += gemmi.Element(int(numbers[j])).name
            raise RefusedError(Reason.OVERLAP, f"{names}, {distance:.2f} Å apart")
    homes, found, shared = zip(*atoms, strict=True)
    # All atoms of a place are put on the first one's position.
    return np.array(found), frac[list(homes)], np.array(shared)


def _share(number: int, occupancies: list[float]) -> float:
    """Return the occupancy of an element on a place from those that are listed."""
    total = sum(occupancies)
    if total <= FULL:
        return total
    if max(occupancies) - min(occupancies) < 0.01:
        return occupancies[0]
    name = gemmi.Element(number).name
    raise RefusedError(Reason.BAD_OCCUPANCY, f"{total:.3g} of {name} on one place")


def _close_pairs(frac: Floats, lattice: Floats) -> Iterator[tuple[int, int, float]]:
    """Yield pairs of atoms nearer than `OVERLAP`, over the nearest image."""
    # A difference of this much in a coordinate is more than OVERLAP apart.
    reach = OVERLAP * np.linalg.norm(np.linalg.inv(lattice), axis=0)
    for i in range(len(frac) - 1):
        steps = frac[i + 1 :] - frac[i]
        steps -= np.round(steps)
        near = np.flatnonzero((np.abs(steps) < reach).all(axis=1))
        for k in near:
            distance = float(np.linalg.norm(steps[k] @ lattice))
            if distance < OVERLAP:
                yield i, int(i + 1 + k), distance
