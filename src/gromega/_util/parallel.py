"""Parallel calls on the cores of this machine, or on a Dask cluster.

joblib would not replace this: it has no forkserver with preloaded modules, and the
number of tasks that it dispatches ahead does not follow the workers of a cluster.
"""

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
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    # `leave_cores_to_threads` must run before NumPy is imported.
    from numpy.typing import NDArray

T = TypeVar("T")
R = TypeVar("R")

ADDRESS = "DASK_SCHEDULER_ADDRESS"
"""The environment variable that names a cluster, as Dask itself reads it."""
_LARGE_GRAPH = "distributed.admin.large-graph-warning-threshold"
_MALLOC = {-8: 1, -4: 0, -1: 2**31 - 1}
"""glibc's M_ARENA_MAX, M_MMAP_MAX and M_TRIM_THRESHOLD."""


def leave_cores_to_threads() -> None:
    """Limit BLAS to one core per thread; this has no effect after NumPy's import."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def keep_memory() -> None:
    """Let glibc's malloc keep freed memory, for the rest of this process.

    Networks allocate and free large buffers all the time. By default malloc returns
    their pages to the system, and getting new ones takes a tenth of a training step,
    or of a prediction, of the recipe `robust` on a CPU.
    """
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        for option, value in _MALLOC.items():
            mallopt(option, value)


def n_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def open_pool(scheduler: str | None = None) -> Iterator[Executor]:
    """Yield an executor: threads, one per core, or the workers of a cluster.

    The scheduler is the address of a Dask scheduler, such as ``tcp://node1:8786``. One
    that cannot be reached, or workers that die one after another, raise OSError.
    """
    if not scheduler:
        with ThreadPoolExecutor(n_cores()) as pool:
            yield pool
        return
    from distributed import Client, KilledWorker

    try:
        client: Any = cast(Any, Client)(scheduler, timeout=10)
    except (OSError, ValueError) as error:
        raise OSError(
            f"the scheduler {scheduler} cannot be reached ({error}); is it running?"
        ) from None
    with client:
        try:
            # The scheduler repeats the calls of a dead worker on another one.
            yield client.get_executor()
        except KilledWorker as error:
            raise OSError(
                f"workers of the cluster die one after another: {error}; check their "
                "memory limit."
            ) from None


@contextmanager
def open_cluster() -> Iterator[Executor | None]:
    """Yield the workers of the cluster that `ADDRESS` names; None without one.

    For work that uses all cores of a machine by itself, as JAX does.
    """
    address = os.environ.get(ADDRESS)
    if not address:
        yield None
        return
    with open_pool(address) as pool:
        yield pool


def send(pool: Executor | None, value: T) -> T:
    """Return what to give to `ordered_map` for a large argument of all its calls.

    Each worker of a cluster gets the value once, however often it is sent.
    """
    client = getattr(pool, "_client", None)
    if client is None:
        return value
    # The value is kept beside its future, so that no other one gets its id.
    shared = vars(pool).setdefault("_shared", {})
    if id(value) not in shared:
        import dask

        # If a worker dies, the scheduler repeats a call, but not a scatter: a broadcast
        # to a worker that dies meanwhile fails, or does not end.
        with dask.config.set({_LARGE_GRAPH: "1 GiB"}):
            shared[id(value)] = value, client.submit(_same, value, pure=False)
    return cast(T, shared[id(value)][1])


def _same(value: T) -> T:
    return value


@contextmanager
def open_processes(imports: Sequence[str] = ()) -> Iterator[Executor]:
    """Yield processes of this machine, one per core, for work that holds the GIL.

    Where the system allows it, the modules `imports` are imported once for all. The
    death of a process raises OSError.
    """
    # A fork of a process that runs JAX can hang.
    context: BaseContext = multiprocessing.get_context("spawn")
    if imports and "forkserver" in multiprocessing.get_all_start_methods():
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["__main__", *imports])
    with ProcessPoolExecutor(n_cores(), mp_context=context) as pool:
        try:
            yield pool
        except BrokenExecutor:
            raise OSError(
                "a process died, perhaps out of memory; use fewer cores, such as "
                "taskset -c 0,1 gromega ..., because each needs memory of its own."
            ) from None


def ordered_map(
    pool: Executor | None, function: Callable[..., R], items: Iterable[T], *shared: Any
) -> Iterator[R]:
    """Yield function(*shared, item) of each item, in order.

    Only a few items are taken ahead of the result that comes next, so memory stays
    bounded for any number of items. Without a pool, one call follows the other.
    """
    if pool is None:
        yield from (function(*shared, item) for item in items)
        return
    waiting: deque[Future[R]] = deque()
    try:
        for k, item in enumerate(items):
            if k % 64 == 0:
                # Again and again: the workers of a cluster come and go.
                ahead = 4 * n_workers(pool)
            waiting.append(pool.submit(function, *shared, item))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def n_workers(pool: Executor) -> int:
    """Return the number of calls that a pool makes at once."""
    client = getattr(pool, "_client", None)
    if client is None:
        return int(getattr(pool, "_max_workers", 1))
    return max(1, int(sum(client.nthreads().values())))


def in_threads(
    function: "Callable[[NDArray[Any]], R]", x: "NDArray[Any]", size: int
) -> list[R]:
    """Return function(block) for each block of `size` rows of x, in order, in threads.

    The function must treat each row by itself, and spend most of its time in NumPy,
    which releases Python's lock. A single block takes no thread.
    """
    if len(x) <= size:
        return [function(x)]
    blocks = (x[start : start + size] for start in range(0, len(x), size))
    with _ONE_BLAS_THREAD, ThreadPoolExecutor(n_cores()) as pool:
        return list(pool.map(function, blocks))


class _OneBlasThread:
    """A context in which BLAS has one thread for each of ours, not one per core.

    On a busy machine, threads of BLAS that wait for each other make a prediction
    twenty times as slow. The limit is for the whole process, so of several threads in
    the context, the first sets it and the last takes it back.
    """

    def __init__(self) -> None:
        self._lock, self._users, self._limit = Lock(), 0, cast(Any, None)

    def __enter__(self) -> None:
        with self._lock:
            if not self._users:
                from threadpoolctl import threadpool_limits

                self._limit = threadpool_limits(1, user_api="blas")
            self._users += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                self._limit.restore_original_limits()


_ONE_BLAS_THREAD = _OneBlasThread()
