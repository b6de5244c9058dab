"""Duplicates: structures that are the same within a tolerance."""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

# For the same phase at another temperature or in another experiment, cell edges differ
# by about 1 %, and coordinates by some hundredths of an ångström.
TOLERANCE = 0.02


class DuplicateFinder:
    """The fingerprints of all crystals so far.

    Two crystals are duplicates if their formulas, classes of space groups and structure
    types are equal, and no average minimum distance differs by more than 2 %.
    """

    def __init__(self) -> None:
        self._known: defaultdict[
            tuple[str, str], list[tuple[str, NDArray[np.float32]]]
        ] = defaultdict(list)

    def find_or_add(
        self,
        name: str,
        formula: str,
        structure_type: str,
        distances: NDArray[np.float32],
    ) -> str | None:
        """Return the name of an earlier duplicate, or add the crystal."""
        same = self._known[formula, structure_type]
        for known, earlier in same:
            if np.all(np.abs(distances - earlier) <= TOLERANCE * earlier):
                return known
        same.append((name, distances))
        return None
