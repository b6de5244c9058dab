"""Arrays of any size, written shard by shard."""

from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from gromega.lake.store import SHARD_ROWS


class ShardWriter:
    """Writes an array from blocks of crystals, in order, in whole shards.

    Parameters
    ----------
    array
        The array, dims (..., crystal, x); the bytes do not depend on the blocks.
    """

    def __init__(self, array: zarr.Array[Any]) -> None:
        self._array = array
        self._start = 0
        self._waiting: list[NDArray[np.float32]] = []

    def add(self, block: NDArray[np.float32]) -> None:
        """Add the values of the next k crystals, (..., k, x)."""
        self._waiting.append(block)
        waiting = sum(each.shape[-2] for each in self._waiting)
        last = self._start + waiting == self._array.shape[-2]
        if waiting < SHARD_ROWS and not last:
            return
        rows = np.concatenate(self._waiting, axis=-2)
        whole = waiting if last else waiting // SHARD_ROWS * SHARD_ROWS
        for start in range(0, whole, SHARD_ROWS):
            shard = rows[..., start : min(start + SHARD_ROWS, whole), :]
            stop = self._start + shard.shape[-2]
            self._array[..., self._start : stop, :] = shard
            self._start = stop
        self._waiting = [rows[..., whole:, :]] if whole < waiting else []
