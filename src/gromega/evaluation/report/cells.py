"""Cells that several tables of the report share."""

import numpy as np
from numpy.typing import NDArray

from gromega._util.formatting import in_percent_with_range
from gromega._util.intervals import Share
from gromega.crystals.space_groups import symbol
from gromega.evaluation.score import TOP


def accuracy_cells(rank: NDArray[np.int64]) -> list[str]:
    """Return top-1 and top-6 accuracy in percent, each with its interval.

    Parameters
    ----------
    rank
        The rank of the true group of each crystal, (n,); 0 is the first.
    """
    return [share_cell(Share.of(rank < k)) for k in TOP]


def share_cell(share: Share) -> str:
    """Return a share in percent with its interval."""
    return in_percent_with_range(share.value, share.low, share.high)


def group_name(number: int) -> str:
    """Return number and symbol of a space group: ``225 Fm-3m``."""
    return f"{number} {symbol(number)}"
