"""Checkpoints: the state of a training on disk, from which a stopped one continues."""

import hashlib
import logging
import shutil
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from jax.experimental import multihost_utils

from gromega.training.devices import is_first, local

WORK = Path(".work")
"""The folder of files that are no output of a stage; git and DVC ignore it."""


def fingerprint(*parts: Any) -> str:
    """Return a hash of 16 digits of arrays, files and the `repr` of other values."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(str((part.dtype.str, part.shape)).encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        elif isinstance(part, Path):
            digest.update(part.read_bytes())
        else:
            digest.update(repr(part).encode())
    return digest.hexdigest()[:16]


class Checkpoints:
    """The two latest states of one training, in a folder of their own.

    A state is written under another name and renamed once complete. Of several
    processes, the first one writes and reads, and sends the state to the others.
    Without a folder, nothing is written or restored. Within an epoch, `every` is the
    shortest time between two states, in s.
    """

    def __init__(self, folder: Path | None, every: float = 60.0) -> None:
        self._folder, self._every, self._last = folder, every, time.monotonic()
        self._manager: ocp.CheckpointManager | None = None
        if folder is None or not is_first():
            return
        alone = ocp.options.MultiprocessingOptions(
            primary_host=0, active_processes={0}, barrier_sync_key_prefix="gromega"
        )
        self._manager = ocp.CheckpointManager(
            folder.absolute(),
            options=ocp.CheckpointManagerOptions(
                max_to_keep=2,
                create=False,
                enable_async_checkpointing=False,
                multiprocessing_options=alone
                if jax.process_count() > 1
                else ocp.options.MultiprocessingOptions(),
            ),
        )

    def due(self) -> bool:
        """Return whether the latest state is older than the shortest time."""
        return time.monotonic() - self._last >= self._every

    def save(self, step: int, state: Any) -> None:
        """Write a state, a pytree of arrays, after a number of steps.

        An OSError is raised if it cannot be written, for example on a full disk.
        Earlier states stay.
        """
        self._last = time.monotonic()
        if self._folder is None or self._manager is None:
            return
        host = jax.tree.map(_to_host, state)
        # Orbax logs a traceback for each array before it raises.
        log = logging.getLogger("absl")
        level = log.level
        log.setLevel(logging.CRITICAL)
        try:
            self._manager.save(step, args=ocp.args.StandardSave(host))
        except (ValueError, OSError) as error:
            for partial in self._folder.glob("*.orbax-checkpoint-tmp"):
                shutil.rmtree(partial, ignore_errors=True)
            reason = str(error).rsplit(": ", 1)[-1]
            raise OSError(
                f"{self._folder}: the state of the training cannot be written "
                f"({reason}); solve this, such as by freeing disk space, and run the "
                "training again: it continues from the last complete state."
            ) from None
        finally:
            log.setLevel(level)

    def restore(self, state: Any) -> Any | None:
        """Return the latest state, of the same structure, or None if there is none."""
        if self._folder is None:
            return None
        host = jax.tree.map(_to_host, state)
        newest = -1
        if self._manager is not None:
            latest = self._manager.latest_step()
            if latest is not None:
                newest = latest
                host = self._manager.restore(
                    newest, args=ocp.args.StandardRestore(host)
                )
        if jax.process_count() > 1:
            # Sent as bytes, since JAX would round float64 to float32.
            sent = jax.tree.map(lambda x: np.frombuffer(x.tobytes(), np.uint8), host)
            newest, sent = multihost_utils.broadcast_one_to_all((newest, sent))
            host = jax.tree.map(
                lambda x, like: np.asarray(x).view(like.dtype).reshape(like.shape),
                sent,
                host,
            )
        return None if newest < 0 else host


def _to_host(leaf: Any) -> np.ndarray[Any, Any]:
    return np.asarray(local(leaf))
