"""The stages of dvc.yaml: each reads params.yaml, calls, and writes its outs.

Stage ``x-y`` is the function ``x_y`` of the module ``x_y``.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from gromega._util.files import write_in
from gromega._util.parallel import leave_cores_to_threads
from gromega.params import read_params

STAGES = (
    "check",
    "crystals",
    "split",
    "spectra",
    "library",
    "simulate",
    "train",
    "calibrate",
    "evaluate",
    "evaluate-novelty",
    "baselines",
    "simulate-sweep",
    "evaluate-sweep",
    "evaluate-released",
    "figures",
    "report",
)
"""The stages in the order in which they can run."""
LOCKS = Path(".work/locks")
UNFINISHED = Path(".work/unfinished")
"""What stages write, until it is complete."""


def main(arguments: list[str]) -> None:
    """Run the stage that the one argument names.

    All of params.yaml is checked first: a value that a later stage would refuse stops
    the pipeline before it trains a model.

    Raises
    ------
    ValueError
        If there is no such stage, or a parameter is not allowed.
    OSError
        If the same stage runs in this folder already.
    """
    if len(arguments) != 1 or arguments[0] not in STAGES:
        raise ValueError(f"give one stage of {', '.join(STAGES)}; got {arguments}.")
    leave_cores_to_threads()
    params = read_params()
    # It imports NumPy, which must come after the line above.
    from gromega.pipeline.check import check_spectra_reach

    check_spectra_reach(params)
    name = arguments[0].replace("-", "_")
    with _only_one(arguments[0]), write_in(UNFINISHED):
        # A stage imports no more than it needs.
        getattr(import_module(f"gromega.pipeline.{name}"), name)(params)


@contextmanager
def _only_one(stage: str) -> Iterator[None]:
    """Refuse a stage that another process runs in this folder, for the same outs.

    The operating system frees the lock of a process that is killed.
    """
    # Processes that train together share the stage, and the first one writes.
    if "JAX_COORDINATOR_ADDRESS" in os.environ:
        yield
        return
    from filelock import FileLock, Timeout

    LOCKS.mkdir(parents=True, exist_ok=True)
    lock = FileLock(LOCKS / f"{stage}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise OSError(
            f"the stage {stage} runs in this folder already; wait until it ends, or "
            "stop that process."
        ) from None
    try:
        yield
    finally:
        lock.release()
