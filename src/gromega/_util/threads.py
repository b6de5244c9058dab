"""Functions of blocks of rows, in threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from numpy.typing import NDArray

from gromega._util.parallel import n_cores

Result = TypeVar("Result")


def in_threads(
    function: Callable[[NDArray[Any]], Result], x: NDArray[Any], size: int
) -> list[Result]:
    """Return function(block) for each block of rows, in order, on all cores.

    Parameters
    ----------
    function
        The function. It must treat each row by itself, and spend most of its time in
        NumPy, which releases Python's lock.
    x
        The rows, (n, ...).
    size
        The number of rows in a block; fewer rows take no thread.
    """
    if len(x) <= size:
        return [function(x)]
    blocks = (x[start : start + size] for start in range(0, len(x), size))
    with ThreadPoolExecutor(n_cores()) as pool:
        return list(pool.map(function, blocks))
