"""Fingerprints: the average distances of a crystal, whatever its cell."""

import numpy as np
from numpy.typing import NDArray

from gromega.crystals.crystal import Crystal

N_NEIGHBOURS = 64


def fingerprint(crystal: Crystal) -> NDArray[np.float32]:
    """Return the average minimum distances of a crystal, (128,) in Å.

    Element k is the distance to the k-th nearest neighbour, averaged over atoms with
    their occupancies: the AMD of Widdowson et al., MATCH 87 (2022) 529. It does not
    depend on the choice of cell, and small displacements change it little. The second
    half is averaged over electrons, so that it depends on the elements of the sites.
    A primitive cell is fastest.
    """
    # It takes a third of a second to import: reports do without it.
    from scipy.spatial import KDTree

    home = crystal.frac @ crystal.lattice
    # In a crystal of uniform density, this sphere contains the neighbours of an atom.
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
