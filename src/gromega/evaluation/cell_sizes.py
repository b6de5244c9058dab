"""How well the size of the primitive cell is predicted."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

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
        without the composition. A prediction without a volume counts in the coverage
        alone.
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
    if any(size.volume is not None for size in found):
        # Without a volume, that of a crystal is in no interval.
        volume = np.array([size.volume or np.nan for size in found])
        low, high = np.array([size.volume_range or (np.nan,) * 2 for size in found]).T
        columns |= {
            "volume_error": np.abs(volume / volumes - 1),
            "volume_coverage": (low <= volumes) & (volumes <= high),
            "volume_width": high / low,
        }
    return {
        name: asdict(CellSizeScore(int(rows.sum()), **_averages(columns, rows)))
        for name, rows in classes.items()
        if rows.any()
    }


def _averages(
    columns: Mapping[str, NDArray[Any]], rows: NDArray[np.bool_]
) -> dict[str, float]:
    """Return the mean or the median of each column, where there are values."""
    medians = ("width", "volume_error", "volume_width")
    found = {}
    for name, column in columns.items():
        values = column[rows].astype(np.float64)
        values = values[~np.isnan(values)]
        average = np.median if name in medians else np.mean
        if values.size:
            found[name] = round(float(average(values)), 6)
    return found
