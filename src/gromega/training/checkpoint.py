"""Checkpoints: the state of a training on disk, to go on after it was killed."""

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

from gromega.training.devices import here, is_first

WORK = Path(".work")
"""Where state is kept that no stage puts out: ignored by git and by DVC."""


def fingerprint(*parts: Any) -> str:
    """Return a short hash of what determines a training: arrays, files, values."""
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
    """The newest states of one training, in a folder of their own.

    A state is written under another name and renamed when it is whole. Of several
    processes the first one writes and reads, and tells the others.

    Parameters
    ----------
    folder
        The folder; nothing is ever written where it is None.
    every
        The least time between two states within an epoch, s.
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
        """Return whether it is time for another state."""
        return time.monotonic() - self._last >= self._every

    def save(self, step: int, state: Any) -> None:
        """Write a state, a pytree of arrays.

        Raises
        ------
        OSError
            If it cannot be written, as on a full disk; the state before stays.
        """
        self._last = time.monotonic()
        if self._folder is None or self._manager is None:
            return
        host = jax.tree.map(_local, state)
        # It would log what it then raises, with a traceback for each array.
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
                f"({reason}); mend that and run it again: it goes on from the last "
                "state that is whole."
            ) from None
        finally:
            log.setLevel(level)

    def restore(self, state: Any) -> Any | None:
        """Return the newest state, or None; `state` says what it looks like."""
        if self._folder is None:
            return None
        host = jax.tree.map(_local, state)
        newest = -1
        if self._manager is not None:
            found = self._manager.latest_step()
            if found is not None:
                newest = found
                host = self._manager.restore(
                    newest, args=ocp.args.StandardRestore(host)
                )
        if jax.process_count() > 1:
            # As bytes: JAX would round double precision.
            sent = jax.tree.map(lambda x: np.frombuffer(x.tobytes(), np.uint8), host)
            newest, sent = multihost_utils.broadcast_one_to_all((newest, sent))
            host = jax.tree.map(
                lambda x, like: np.asarray(x).view(like.dtype).reshape(like.shape),
                sent,
                host,
            )
        return None if newest < 0 else host


def _local(leaf: Any) -> np.ndarray[Any, Any]:
    return np.asarray(here(leaf))
