"""Training inputs: the G(r) of each batch, computed on the device.

Training inputs hold two kinds of arrays on the device: those of an epoch, such as pair
spectra, and a buffer of operators, of which one is replaced after every step. Within
the compiled step, `TrainingInputs.batch` computes G(r) from both.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from numpy.typing import NDArray

from gromega.training.augment import stretch, stretch_matrices

Arrays = Any  # a pytree of arrays


class TrainingInputs(Protocol):
    """The inputs of a training on n crystals."""

    ids: NDArray[np.str_]
    y: NDArray[np.int64]  # classes, (n,), indices into the model's groups
    types: NDArray[np.int64] | None  # structure types, (n,); None if not classes
    n_conditions: int  # in a batch, each of an equal share of its rows

    def rows(self, epoch: int) -> NDArray[np.int64]:
        """Return the crystals of an epoch, (n_epoch,); n_epoch is always the same."""

    def epoch_arrays(self, epoch: int) -> Arrays:
        """Return the arrays of an epoch, which depend on its number alone."""

    def operator_buffer(self, step: int) -> Arrays:
        """Return the operator buffer as it is before a step."""

    def refresh(self, buffer: Arrays, step: ArrayLike) -> Arrays:
        """Return the buffer after a step: its oldest operator replaced. Traceable."""

    def batch(self, arrays: Arrays, buffer: Arrays, rows: Array, key: Array) -> Array:
        """Return G(r) of rows, (n_rows, 209), up to a factor. Traceable."""

    def type_mask(self, arrays: Arrays, rows: Array) -> Array:
        """Return 1 for rows with the structure type of their crystal, else 0.

        A variant may have another structure type than its crystal. Traceable.
        """

    def close(self) -> None:
        """Stop all threads."""


@dataclass(frozen=True)
class LabelledPDFs:
    """PDFs of n crystals with their classes, such as those of a part of the split."""

    ids: NDArray[np.str_]
    g: NDArray[np.float32]  # G(r) on `INPUT_R`, (n, 209), in Å⁻²
    y: NDArray[np.int64]  # classes, (n,), indices into the model's groups


class FixedInputs:
    """PDFs at one set of conditions, stretched at random by up to `strain` if not 0."""

    def __init__(self, pdfs: LabelledPDFs, strain: float = 0.0) -> None:
        self.ids, self.y, self.n_conditions = pdfs.ids, pdfs.y, 1
        self.types: NDArray[np.int64] | None = None
        self._g = jnp.asarray(pdfs.g)
        self._strains = jnp.asarray(stretch_matrices(strain)) if strain else None

    def rows(self, epoch: int) -> NDArray[np.int64]:
        return np.arange(self.y.size)

    def epoch_arrays(self, epoch: int) -> Arrays:
        return self._g, self._strains

    def operator_buffer(self, step: int) -> Arrays:
        return ()

    def refresh(self, buffer: Arrays, step: ArrayLike) -> Arrays:
        return buffer

    def batch(self, arrays: Arrays, buffer: Arrays, rows: Array, key: Array) -> Array:
        g, strains = arrays
        chosen: Array = g[rows]
        return chosen if strains is None else stretch(chosen, key, strains)

    def type_mask(self, arrays: Arrays, rows: Array) -> Array:
        return jnp.ones(rows.size)

    def close(self) -> None:
        pass
