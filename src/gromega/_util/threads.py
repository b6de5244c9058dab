"""Blocks of rows, each on a thread."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from numpy.typing import NDArray

from gromega._util.parallel import n_cores

Found = TypeVar("Found")


def in_threads(
    function: Callable[[NDArray[Any]], Found], x: NDArray[Any], size: int
) -> list[Found]:
    """Return function(x) of blocks of rows, as many at once as there are cores.

    Parameters
    ----------
    function
        The function, row by row; much of it must be NumPy's own work.
    x
        The rows, (n, ...).
    size
        The number of rows of a block.
    """
    if len(x) <= size:
        return [function(x)]
    blocks = (x[start : start + size] for start in range(0, len(x), size))
    with ThreadPoolExecutor(n_cores()) as pool:
        return list(pool.map(function, blocks))
