"""Devices: one training on all devices of this machine and of several processes."""

import os
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from numpy.typing import NDArray

Spec: Any = PartitionSpec  # which has no types
COORDINATOR = "JAX_COORDINATOR_ADDRESS"


def join_processes() -> None:
    """Join the processes that train together, if the environment names them.

    ``JAX_COORDINATOR_ADDRESS`` is the address of the first process, such as
    ``node1:1234``; ``JAX_NUM_PROCESSES`` is the number of processes, and
    ``JAX_PROCESS_ID`` the number of this one, from 0. SLURM and MPI set the latter two.
    An OSError is raised if the first process cannot be reached.
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
            f"cannot join the process at {COORDINATOR}={os.environ[COORDINATOR]} "
            f"({error}); check that it is running, and JAX_NUM_PROCESSES and "
            "JAX_PROCESS_ID."
        ) from None


def is_first() -> bool:
    """Return whether this process is the first one, which alone writes files."""
    return jax.process_index() == 0


class Devices:
    """All devices of all processes; each computes a part of the rows of a batch.

    Every device holds all parameters and data. XLA sums the gradients.
    """

    def __init__(self) -> None:
        self.count = jax.device_count()
        self._mesh = Mesh(np.array(jax.devices()), ("rows",))

    def replicate(self, tree: Any) -> Any:
        """Return a pytree of arrays with a copy of each on every device."""
        return jax.tree.map(lambda leaf: self._put(leaf, Spec()), tree)

    def shard(self, rows: NDArray[np.int64]) -> Any:
        """Return rows, (..., n_batch), an equal part of the batch on each device."""
        return self._put(rows, Spec(*[None] * (rows.ndim - 1), "rows"))

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


def local(leaf: Any) -> Any:
    """Return this process's copy of an array of which every device holds a copy."""
    if isinstance(leaf, Array) and not leaf.is_fully_addressable:
        return leaf.addressable_data(0)
    return leaf
