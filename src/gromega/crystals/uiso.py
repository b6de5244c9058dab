"""Displacement parameters that differ between the elements of a crystal."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gromega.crystals.crystal import Crystal


def uiso_by_element(
    crystal: Crystal, spread: float, generator: Generator
) -> NDArray[np.float64]:
    """Return the excess of each atom's Uiso over the smallest, (n_atoms,), in Å².

    Each element has a value that is uniform in [0, spread], in Å².
    """
    own, kinds = np.unique(crystal.numbers, return_inverse=True)
    excess = spread * generator.random(own.size)
    return np.asarray(excess - excess.min())[kinds]
