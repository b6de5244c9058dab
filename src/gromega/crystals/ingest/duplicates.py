"""Duplicates: the same structure found twice, within a tolerance."""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from gromega.crystals.crystal import Crystal

N_NEIGHBOURS = 64
# The same phase at another temperature or from another experiment: cell edges differ
# by a per cent or so, positions by some hundredths of an ångström.
TOLERANCE = 0.02


def fingerprint(crystal: Crystal) -> NDArray[np.float32]:
    """Return the average minimum distances of a crystal, (128,) in Å.

    The k-th is the distance of the k-th nearest neighbour, averaged over atoms with
    their occupancies: the AMD of Widdowson et al., MATCH 87, 529 (2022), which does not
    depend on the choice of cell and changes little when atoms move a little. The second
    half is averaged over electrons, so that it tells which element is where.

    Parameters
    ----------
    crystal
        The crystal; a primitive cell is fastest.
    """
    home = crystal.frac @ crystal.lattice
    # A sphere of this volume holds the neighbours of an atom in an even crystal.
    per_atom = crystal.volume / crystal.numbers.size
    radius = 1.2 * np.cbrt(0.75 / np.pi * per_atom * (N_NEIGHBOURS + 1))
    while True:
        reach = np.ceil(radius * np.linalg.norm(np.linalg.inv(crystal.lattice), axis=0))
        steps = [np.arange(-n - 1, n + 2) for n in reach]
        shifts = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, 3)
        images = ((crystal.frac % 1.0) + shifts[:, None]).reshape(-1, 3)
        images = images @ crystal.lattice
        near = np.ones(len(images), dtype=bool)
        for axis in range(3):
            low, high = home[:, axis].min() - radius, home[:, axis].max() + radius
            near &= (images[:, axis] >= low) & (images[:, axis] <= high)
        images = images[near]
        if len(images) > N_NEIGHBOURS:
            distances, _ = KDTree(images).query(home, k=N_NEIGHBOURS + 1)
            if distances[:, -1].max() <= radius:
                break
        radius *= 1.3
    weights = np.stack([crystal.occupancy, crystal.occupancy * crystal.numbers])
    weights /= weights.sum(axis=1, keepdims=True)
    averages: NDArray[np.float32] = (weights @ distances[:, 1:]).astype(np.float32)
    return averages.ravel()


class KnownFingerprints:
    """The structures found so far, to recognise one of them when it comes again.

    Two crystals are the same if formula, space group and structure type are, and no
    average minimum distance differs by more than 2 %.
    """

    def __init__(self) -> None:
        self._found: defaultdict[
            tuple[str, str], list[tuple[str, NDArray[np.float32]]]
        ] = defaultdict(list)

    def find(
        self,
        name: str,
        formula: str,
        structure_type: str,
        distances: NDArray[np.float32],
    ) -> str | None:
        """Return the name of the same structure, or None and remember this one.

        Parameters
        ----------
        name
            The name of the crystal.
        formula
            Its reduced formula.
        structure_type
            Its structure type, which holds the space group.
        distances
            Its `fingerprint`.
        """
        same = self._found[formula, structure_type]
        for known, others in same:
            if np.all(np.abs(distances - others) <= TOLERANCE * others):
                return known
        same.append((name, distances))
        return None
