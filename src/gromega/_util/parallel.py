"""Many calls at once: on the cores of this machine, or on a Dask cluster."""

import ctypes
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from contextlib import contextmanager, suppress
from multiprocessing.context import BaseContext
from typing import Any, TypeVar, cast

T = TypeVar("T")
R = TypeVar("R")

ADDRESS = "DASK_SCHEDULER_ADDRESS"
"""The environment variable that names a cluster, as Dask itself reads it."""
_MALLOC = {-8: 1, -4: 0, -1: 2**31 - 1}
"""glibc's M_ARENA_MAX, M_MMAP_MAX and M_TRIM_THRESHOLD."""


def leave_cores_to_threads() -> None:
    """Let BLAS compute on one core for each thread: networks have threads of their own.

    It must be said before NumPy is imported.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def keep_memory() -> None:
    """Let glibc's malloc keep what is freed, for the rest of this process.

    Networks take and free large buffers all the time. Of these malloc gives the pages
    back, and to get them anew is a tenth of a training step, or of an answer, of the
    recipe `robust` on a CPU.
    """
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        for option, value in _MALLOC.items():
            mallopt(option, value)


def n_cores() -> int:
    """Return the cores that this process may use: a queue may have lent it a few."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def open_pool(scheduler: str | None = None) -> Iterator[Executor]:
    """Yield what calls functions: threads, one per core, or the workers of a cluster.

    Parameters
    ----------
    scheduler
        The address of a Dask scheduler, such as ``tcp://node1:8786``; threads of this
        process if left out.

    Raises
    ------
    ImportError
        If Dask is not installed.
    OSError
        If the scheduler does not answer.
    """
    if not scheduler:
        with ThreadPoolExecutor(n_cores()) as pool:
            yield pool
        return
    try:
        from distributed import Client, KilledWorker
    except ImportError:
        raise ImportError(
            "a scheduler needs Dask; install it with pip install 'gromega[cluster]'."
        ) from None
    try:
        client: Any = cast(Any, Client)(scheduler, timeout=10)
    except (OSError, ValueError) as error:
        raise OSError(
            f"the scheduler {scheduler} does not answer ({error}); is it running?"
        ) from None
    with client:
        try:
            # The scheduler gives the calls of a worker that dies to another one.
            yield client.get_executor()
        except KilledWorker as error:
            raise OSError(
                f"workers of the cluster die one after another: {error}."
            ) from None


@contextmanager
def open_processes(imports: Sequence[str] = ()) -> Iterator[Executor]:
    """Yield processes of this machine, one per core, for work that holds Python up.

    Parameters
    ----------
    imports
        Modules that all of them need; they are imported once for all, where the system
        allows it.

    Raises
    ------
    OSError
        If one of them dies.
    """
    # A fork of a process that runs JAX can hang: these come from one that does not.
    context: BaseContext = multiprocessing.get_context("spawn")
    if imports and "forkserver" in multiprocessing.get_all_start_methods():
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["__main__", *imports])
    with ProcessPoolExecutor(n_cores(), mp_context=context) as pool:
        try:
            yield pool
        except BrokenExecutor:
            raise OSError(
                "a process died, for want of memory perhaps; lend this command fewer "
                "cores (taskset -c 0,1 gromega ...), each needs memory of its own."
            ) from None


def ordered_map(
    pool: Executor, function: Callable[[T], R], items: Iterable[T]
) -> Iterator[R]:
    """Yield function(item) of each item, in order.

    Only some items are taken ahead of the result that is waited for, so memory stays
    bounded however many there are.

    Parameters
    ----------
    pool
        What `open_pool` or `open_processes` yields.
    function
        The function, its arguments and its results what pickle can carry.
    items
        The items.
    """
    waiting: deque[Future[R]] = deque()
    try:
        for k, item in enumerate(items):
            if k % 64 == 0:
                # Anew: the workers of a cluster come and go.
                ahead = 4 * n_workers(pool)
            waiting.append(pool.submit(function, item))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def n_workers(pool: Executor) -> int:
    """Return how many calls a pool makes at once."""
    client = getattr(pool, "_client", None)
    if client is None:
        return int(getattr(pool, "_max_workers", 1))
    return max(1, int(sum(client.nthreads().values())))
