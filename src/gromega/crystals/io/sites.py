"""Sites: which atoms share one, and which atoms overlap."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gromega.crystals.crystal import nuclide_symbol
from gromega.crystals.refusal import Reason, RefusedError

Floats = NDArray[np.float64]

MAX_ATOMS = 1000
"""The default largest number of atoms per lattice point of a cell."""
SAME_SITE = 0.02
"""The distance in Å below which two atoms share a site."""
# Å. The shortest bond, of H2, is 0.74 Å.
OVERLAP = 0.5
# Å³ for each atom, copies included. Metallic hydrogen has 1, molecules without their
# hydrogen have 50. Cells in nm and pm have 0.02 and 10⁷.
_LEAST_VOLUME, _MOST_VOLUME = 0.2, 1e6
# Rounded thirds add up to 1.01.
FULL = 1.02


def check_cell(lattice: Floats) -> None:
    """Refuse a cell, (3, 3) in Å, with an edge outside 0.5 to 1000 Å or nearly flat."""
    if np.isfinite(lattice).all():
        edges = np.linalg.norm(lattice, axis=1)
        if edges.min() > 0.5 and edges.max() < 1e3:
            if abs(np.linalg.det(lattice)) > 0.01 * edges.prod():
                return
            raise RefusedError(Reason.BAD_CELL, "the cell is flat")
    rows = "; ".join(", ".join(f"{x:.4g}" for x in row) for row in lattice)
    raise RefusedError(Reason.BAD_CELL, f"got {rows} Å")


def merge_sites(
    nuclides: NDArray[np.int64], frac: Floats, occupancy: Floats, lattice: Floats
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Merge atoms of one element on one site, and return nuclides, frac and occupancy.

    The occupancies of one element on a site add up, as those of Fe²⁺ and Fe³⁺. A full
    atom that is listed twice counts once. Different elements may share a site, and
    atoms may be closer than a bond, if their occupancies add up to at most 1.

    Isotopes, see `Crystal.nuclides`, are like elements.

    The atoms are (n,), (n, 3) from 0 to 1, and (n,), the lattice (3, 3) in Å. All atoms
    of a site get the coordinates of its first one. Raise RefusedError if atoms overlap,
    or the occupancies of a site add up to more than 1.
    """
    volume = abs(np.linalg.det(lattice)) / max(occupancy.sum(), 1e-9)
    if not _LEAST_VOLUME < volume < _MOST_VOLUME:
        raise RefusedError(
            Reason.BAD_CELL, f"{volume:.3g} Å³ for each atom: give lengths in Å"
        )
    pairs = list(_close_pairs(frac, lattice))
    site_of = np.arange(len(nuclides))
    for i, j, distance in pairs:
        if distance < SAME_SITE:
            site_of[site_of == site_of[j]] = site_of[i]
    atoms: list[tuple[int, int, float]] = []
    totals: dict[int, float] = {}
    for site in np.unique(site_of).tolist():
        listed: dict[int, list[float]] = {}
        for k in np.flatnonzero(site_of == site):
            listed.setdefault(int(nuclides[k]), []).append(float(occupancy[k]))
        shares = {z: _share(z, values) for z, values in listed.items()}
        totals[site] = sum(shares.values())
        if totals[site] > FULL:
            names = " and ".join(map(nuclide_symbol, shares))
            reason = Reason.BAD_OCCUPANCY
            if min(shares.values()) > 0.99:
                reason = Reason.OVERLAP
            raise RefusedError(reason, f"{totals[site]:.3g} of {names} on one site")
        atoms += [(site, z, min(share, 1.0)) for z, share in shares.items()]
    for i, j, distance in pairs:
        a, b = int(site_of[i]), int(site_of[j])
        if a != b and totals[a] + totals[b] > FULL:
            names = " and ".join(nuclide_symbol(int(nuclides[k])) for k in (i, j))
            raise RefusedError(Reason.OVERLAP, f"{names}, {distance:.2f} Å apart")
    first, merged, shares_of = zip(*atoms, strict=True)
    return np.array(merged), frac[list(first)], np.array(shares_of)


def _share(nuclide: int, occupancies: list[float]) -> float:
    """Return the occupancy of an element on a site from the listed values."""
    total = sum(occupancies)
    if total <= FULL:
        return total
    if max(occupancies) - min(occupancies) < 0.01:
        return occupancies[0]
    name = nuclide_symbol(nuclide)
    raise RefusedError(Reason.BAD_OCCUPANCY, f"{total:.3g} of {name} on one site")


def _close_pairs(frac: Floats, lattice: Floats) -> Iterator[tuple[int, int, float]]:
    """Yield pairs of atoms closer than `OVERLAP`, with the distance in Å."""
    # Two atoms with a larger difference in a coordinate are not that close.
    reach = OVERLAP * np.linalg.norm(np.linalg.inv(lattice), axis=0)
    for i in range(len(frac) - 1):
        steps = frac[i + 1 :] - frac[i]
        steps -= np.round(steps)
        near = np.flatnonzero((np.abs(steps) < reach).all(axis=1))
        for k in near:
            distance = float(np.linalg.norm(steps[k] @ lattice))
            if distance < OVERLAP:
                yield i, int(i + 1 + k), distance
