"""Places: which atoms share one, and which are too close to be there at once."""

from collections.abc import Iterator

import gemmi
import numpy as np
from numpy.typing import NDArray

from gromega.crystals.quarantine import Reason, RefusedError

Floats = NDArray[np.float64]

# Å.
SAME_PLACE = 0.02
# Å. The shortest bond, of H2, is 0.74.
OVERLAP = 0.5
# Rounded thirds add up to 1.01.
FULL = 1.02


def merge_places(
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
    kept = np.ones(len(numbers), dtype=bool)
    occupancy = occupancy.copy()
    for i, j, distance in sorted(_close_pairs(frac, lattice)):
        if not (kept[i] and kept[j]):
            continue
        total = occupancy[i] + occupancy[j]
        if distance < SAME_PLACE and numbers[i] == numbers[j]:
            kept[j] = False
            if total < FULL:
                occupancy[i] = min(total, 1.0)
        elif total > FULL:
            names = [gemmi.Element(int(numbers[k])).name for k in (i, j)]
            if distance < SAME_PLACE and max(occupancy[i], occupancy[j]) < 0.99:
                raise RefusedError(
                    Reason.BAD_OCCUPANCY,
                    f"{total:.3g} of {names[0]} and {names[1]} on one place",
                )
            raise RefusedError(
                Reason.OVERLAP, f"{names[0]} and {names[1]}, {distance:.2f} Å apart"
            )
    return numbers[kept], frac[kept], occupancy[kept]


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
