"""Structure types as classes of a network, each within one space group."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def type_classes(
    types: Sequence[str], y: NDArray[np.int64], n_own: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the class of each crystal, (n,), and the group of each class, (n_types,).

    Every structure type of a crystal of the split is a class, and so is any other that
    at least two crystals have. The remaining crystals of each space group are in one
    class. Of the types and space groups y of the crystals, (n,), those of the `n_own`
    crystals of the split come first.
    """
    counts = Counter(types)
    known = set(types[:n_own]) | {name for name, count in counts.items() if count > 1}
    keys = [
        (int(group), name if name in known else "")
        for name, group in zip(types, y, strict=True)
    ]
    index = {key: k for k, key in enumerate(sorted(set(keys)))}
    classes = np.array([index[key] for key in keys])
    return classes, np.array([group for group, _ in index])
