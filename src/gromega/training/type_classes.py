"""Structure types as classes of a network: finer than space groups, and within them."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def type_classes(
    types: Sequence[str], y: NDArray[np.int64], own: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the class of each crystal, (n,), and the space group of each class.

    Every structure type of the first `own` crystals is a class, and every other that
    at least two crystals have. What remains is a class of its own for each group.

    Parameters
    ----------
    types
        The structure types, n of them.
    y
        The space groups, (n,), as indices.
    own
        How many of the crystals are those of the split.
    """
    counts = Counter(types)
    known = set(types[:own]) | {name for name, count in counts.items() if count > 1}
    names = [
        (int(group), name if name in known else "")
        for name, group in zip(types, y, strict=True)
    ]
    place = {name: k for k, name in enumerate(sorted(set(names)))}
    classes = np.array([place[name] for name in names])
    return classes, np.array([group for group, _ in place])
