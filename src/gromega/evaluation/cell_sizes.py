"""How well the size of the primitive cell is predicted."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from gromega.model.cell_size import CellSize


@dataclass(frozen=True)
class CellSizeScore:
    """How good the predicted sizes of the primitive cells of some test crystals are.

    Parameters
    ----------
    n
        The number of crystals.
    right, confidence
        The share whose most probable number of atoms is right, and its mean
        probability.
    coverage, width
        The share of 90 % intervals with the number, and the median of their upper ends
        over their lower ones.
    volume_error, volume_coverage, volume_width
        The median relative error of the volume, and the same for its intervals; None
        without the composition.
    """

    n: int
    right: float
    confidence: float
    coverage: float
    width: float
    volume_error: float | None = None
    volume_coverage: float | None = None
    volume_width: float | None = None


def score_cell_sizes(
    found: Sequence[CellSize],
    atoms: NDArray[np.int64],
    volumes: NDArray[np.float64],
    classes: Mapping[str, NDArray[np.bool_]],
) -> dict[str, dict[str, float | None]]:
    """Return the score of each class of crystals that has any.

    The true numbers of atoms and volumes (Å³) of the primitive cells are (n,), like the
    predictions; the classes are masks, (n,).
    """
    first = np.array([size.atoms for size in found])
    confidence = np.array([size.probability for size in found])
    low, high = np.array([size.atoms_range for size in found]).T
    columns = {
        "right": first == atoms,
        "confidence": confidence,
        "coverage": (low <= atoms) & (atoms <= high),
        "width": high / low,
    }
    if found[0].volume is not None:
        volume = np.array([size.volume for size in found])
        low, high = np.array([size.volume_range for size in found]).T
        columns |= {
            "volume_error": np.abs(volume / volumes - 1),
            "volume_coverage": (low <= volumes) & (volumes <= high),
            "volume_width": high / low,
        }
    means = {"width": np.median, "volume_error": np.median, "volume_width": np.median}
    return {
        name: asdict(
            CellSizeScore(
                int(rows.sum()),
                **{
                    key: round(float(means.get(key, np.mean)(column[rows])), 6)
                    for key, column in columns.items()
                },
            )
        )
        for name, rows in classes.items()
        if rows.any()
    }
