"""Devices: one training on all of this machine's, and of others'."""

import os
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from numpy.typing import NDArray

COORDINATOR = "JAX_COORDINATOR_ADDRESS"


def join() -> None:
    """Make this process one of several that train together, if the environment says so.

    ``JAX_COORDINATOR_ADDRESS`` is the address of the first process, such as
    ``node1:1234``; ``JAX_NUM_PROCESSES`` and ``JAX_PROCESS_ID``, from 0 on, tell how
    many there are and which one this is. SLURM and MPI tell the latter two themselves.
    """
    if COORDINATOR not in os.environ or jax.distributed.is_initialized():
        return
    numbers: dict[str, Any] = {}
    for name in ("num_processes", "process_id"):
        text = os.environ.get(f"JAX_{name.upper()}")
        if text is not None and not text.isdecimal():
            raise ValueError(f"JAX_{name.upper()} must be a number, got {text!r}.")
        if text is not None:
            numbers[name] = int(text)
    try:
        jax.distributed.initialize(os.environ[COORDINATOR], **numbers)
    except RuntimeError as error:
        raise OSError(
            f"the process at {COORDINATOR}={os.environ[COORDINATOR]} cannot be joined "
            f"({error}); is it running, and are the numbers right?"
        ) from None


def is_first() -> bool:
    """Return whether this process is the one that writes."""
    return jax.process_index() == 0


class Devices:
    """All devices of all processes, which share the rows of a batch.

    Parameters and data are on each; XLA sums up the gradients.
    """

    def __init__(self) -> None:
        self._mesh = Mesh(np.array(jax.devices()), ("rows",))

    @property
    def count(self) -> int:
        """The number of devices."""
        return int(self._mesh.size)

    def everywhere(self, tree: Any) -> Any:
        """Return arrays as all devices hold them."""
        return jax.tree.map(lambda leaf: self._put(leaf, PartitionSpec()), tree)

    def shared(self, rows: NDArray[np.int64]) -> Any:
        """Return the rows of batches, (..., n_batch), a part of each on each device."""
        return self._put(rows, PartitionSpec(*[None] * (rows.ndim - 1), "rows"))

    def _put(self, leaf: Any, spec: PartitionSpec) -> Any:
        sharding = NamedSharding(self._mesh, spec)
        if self.count == 1:
            return leaf
        if jax.process_count() == 1:
            return jax.device_put(leaf, sharding)
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            data = self._put(jax.random.key_data(leaf), spec)
            return jax.random.wrap_key_data(data)
        whole = np.asarray(leaf)
        return jax.make_array_from_callback(
            whole.shape, sharding, lambda index: whole[index]
        )


def here(leaf: Any) -> Any:
    """Return what all devices hold alike, as this process has it."""
    if isinstance(leaf, Array) and not leaf.is_fully_addressable:
        return leaf.addressable_data(0)
    return leaf
