"""The hierarchy of a prediction: lattices, Laue classes, inversion, supergroup."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from gromega._util.formatting import percent, shares_text
from gromega.crystals.space_groups import (
    bravais_lattice,
    centrosymmetric,
    class_number,
    class_symbol,
    common_supergroup,
    laue_class,
)
from gromega.model.candidates import summed


@dataclass(frozen=True)
class Hierarchy:
    """What a prediction says about the symmetry above the space group.

    Parameters
    ----------
    bravais_lattices, laue_classes
        The probability of each, such as ``cF`` and ``m-3m``, the most probable first.
    centrosymmetric
        The probability of inversion centres.
    supergroup
        The smallest space group of which all groups of the prediction set are
        subgroups with the same translations; None if there is none.
    """

    bravais_lattices: dict[str, float]
    laue_classes: dict[str, float]
    centrosymmetric: float
    supergroup: int | None

    def lines(self) -> Iterator[str]:
        """Yield a line for each fact."""
        yield f"Bravais lattice: {_first_three(self.bravais_lattices)}"
        yield f"Laue class: {_first_three(self.laue_classes)}"
        yield f"inversion centres: {percent(self.centrosymmetric, 0)}"
        if self.supergroup:
            number, name = class_number(self.supergroup), class_symbol(self.supergroup)
            yield f"supergroup of the set: {number} {name}"


def hierarchy_of(
    space_groups: NDArray[np.int64],
    p: NDArray[np.floating],
    in_set: NDArray[np.bool_],
) -> Hierarchy:
    """Return the hierarchy of one prediction.

    The probabilities and the membership in the prediction set are those of the space
    groups, (n_groups,).
    """
    lattices, laue_classes, with_centre = _classes(tuple(space_groups.tolist()))
    return Hierarchy(
        summed(lattices, p),
        summed(laue_classes, p),
        summed(with_centre, p).get(True, 0.0),
        common_supergroup(space_groups[in_set].tolist()) if in_set.any() else None,
    )


@lru_cache(8)
def _classes(numbers: tuple[int, ...]) -> tuple[list[str], list[str], list[bool]]:
    """Return lattices, Laue classes and inversion centres of space groups."""
    return (
        [*map(bravais_lattice, numbers)],
        [*map(laue_class, numbers)],
        [*map(centrosymmetric, numbers)],
    )


def _first_three(shares: dict[str, float]) -> str:
    return shares_text(dict(islice(shares.items(), 3)))
