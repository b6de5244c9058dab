"""Training inputs made of variants of crystals, at conditions drawn from a box."""

import math
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import astuple, dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from numpy.typing import NDArray

from gromega._util.parallel import n_workers, open_pool
from gromega.conditions import RADIATIONS, Box, Conditions
from gromega.crystals.crystal import Crystal
from gromega.crystals.generate.templates import Template
from gromega.crystals.generate.variants import (
    Changes,
    keeps_type,
    vary,
    vary_q,
    vary_uiso,
)
from gromega.defects import NO_DEFECTS, Defects
from gromega.pdf.bins import DMAX, n_bins
from gromega.pdf.random_conditions import apply_with_noise, random_operator
from gromega.pdf.spectrum import pair_spectrum
from gromega.training.augment import random_defects, ripples
from gromega.training.inputs import Arrays

# With one set of conditions per batch, a network overfits the latest one; BatchNorm
# suffers most (docs/models.md).
_N_CONDITIONS = 16
# Keeps the operators' random stream apart from that of validation, whose conditions
# come from the same box.
_STREAM = 0x0BE7

EpochArrays = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


@dataclass(eq=False, repr=False)
class VariantInputs:
    """Variants of n crystals at conditions from the whole of a box.

    Every epoch has its own variants: threads make them and compute their pair spectra
    during the epoch before. After every step, new random conditions replace the oldest
    operator of a buffer; each batch is computed with several operators of the buffer.
    """

    ids: NDArray[np.str_]
    templates: Sequence[Template]  # the crystals with their symmetry
    y: NDArray[np.int64]  # as in `TrainingInputs`
    box: Box  # from which conditions are drawn
    changes: Changes  # from a crystal to its variants
    seed: int  # of variants and conditions
    buffer_size: int = 64  # operators
    # In a batch whose rows it does not divide, their greatest common divisor.
    n_conditions: int = _N_CONDITIONS
    radiation: str = "xray"  # of most variants
    types: NDArray[np.int64] | None = None  # as in `TrainingInputs`
    n_augmentation: int = 0  # the last crystals, of which every epoch has half
    stretch: float = 0.0  # the largest strain that an operator adds to the variants'
    reference: Conditions | None = None  # drawn more often, as in `draw_theta`
    epochs: int | None = None  # after these, no variants are made
    defects: Defects = NO_DEFECTS  # the largest of `random_defects`

    def __post_init__(self) -> None:
        # At one set of conditions, the training is one on ideal PDFs: no ripples.
        self._has_ripples = any(low < high for low, high in astuple(self.box))
        n = len(self.templates)
        self._spectra = jnp.zeros((n, n_bins(DMAX)), jnp.float32)
        self._density, self._type_mask = np.zeros((2, n), np.float32)
        self._threads, self._stopped = ThreadPoolExecutor(1), False
        self._next: tuple[int, Future[EpochArrays]] | None = None

    def rows(self, epoch: int) -> NDArray[np.int64]:
        n = self.y.size - self.n_augmentation
        # Every other augmentation crystal; if they are odd in number, the first one is
        # in every epoch, so that all epochs have the same size.
        half = np.arange((self.n_augmentation + 1) // 2)
        chosen = ((epoch + n) % 2 + 2 * half) % max(self.n_augmentation, 1)
        return np.concatenate([np.arange(n), n + chosen])

    def epoch_arrays(self, epoch: int) -> Arrays:
        rows = self.rows(epoch)
        made = self._next[1].result() if self._next else None
        if made is None or self._next is None or self._next[0] != epoch:
            made = self._make(epoch, rows)
        spectra, density, mask = made
        self._spectra = _replace(self._spectra, rows, spectra)
        self._density[rows], self._type_mask[rows] = density, mask
        self._next = None
        if self.epochs is None or epoch + 1 < self.epochs:
            future = self._threads.submit(self._make, epoch + 1, self.rows(epoch + 1))
            self._next = epoch + 1, future
        # Copies, since the next epoch changes these arrays in place.
        return self._spectra, jnp.array(self._density), jnp.array(self._type_mask)

    def _make(self, epoch: int, rows: NDArray[np.int64]) -> EpochArrays:
        """Return spectra, (n_rows, n_bins), densities and type mask, (n_rows,)."""
        spectra = np.empty((rows.size, n_bins(DMAX)), np.float32)
        density, mask = np.empty((2, rows.size), np.float32)

        def make(piece: NDArray[np.int64]) -> None:
            for i in piece:
                row = int(rows[i])
                random = np.random.default_rng([self.seed, row, epoch])
                if self._stopped:
                    return
                crystal = vary(self.templates[row], self.changes, random)
                extra_uiso = vary_uiso(crystal, self.changes, random)
                first = random.random() >= self.changes.other_radiation
                q = vary_q(self.changes, random)
                spectra[i] = self._spectrum(crystal, extra_uiso, first, q)
                density[i] = crystal.density
                mask[i] = keeps_type(crystal, self.templates[row])

        with open_pool() as threads:
            pieces = np.array_split(np.arange(rows.size), 64 * n_workers(threads))
            list(threads.map(make, pieces))
        return spectra, density, mask

    def _spectrum(
        self, crystal: Crystal, extra_uiso: NDArray[np.float64], first: bool, q: float
    ) -> NDArray[np.float32]:
        """Return the pair spectrum for the first radiation, or else for the other."""
        one, other = sorted(
            RADIATIONS, key=lambda name: (name == self.radiation) != first
        )
        try:
            return pair_spectrum(crystal, one, DMAX, extra_uiso, q)
        except ValueError:
            # An element has no scattering length, or the lengths cancel out.
            return pair_spectrum(crystal, other, DMAX, extra_uiso, q)

    def operator_buffer(self, step: int) -> Arrays:
        # Before step s the buffer holds the operators s to s + size - 1.
        buffer = jax.tree.map(
            lambda part: jnp.zeros((self.buffer_size, *part.shape), part.dtype),
            jax.eval_shape(self._operator, jnp.asarray(0)),
        )
        for number in range(step, step + self.buffer_size):
            buffer = self._put(buffer, number)
        return buffer

    def refresh(self, buffer: Arrays, step: ArrayLike) -> Arrays:
        return self._put(buffer, step + self.buffer_size)

    @partial(jax.jit, static_argnums=0, donate_argnums=1)
    def _put(self, buffer: Arrays, number: ArrayLike) -> Arrays:
        slot = jnp.asarray(number) % self.buffer_size
        return jax.tree.map(
            lambda whole, part: whole.at[slot].set(part),
            buffer,
            self._operator(number),
        )

    def _operator(self, number: ArrayLike) -> Arrays:
        stream = jax.random.fold_in(jax.random.key(self.seed), _STREAM)
        key = jax.random.fold_in(stream, number)
        return random_operator(
            self.box, n_bins(DMAX), key, self.stretch, self.reference,
            self.defects.counting_noise,
        )  # fmt: skip

    def batch(self, arrays: Arrays, buffer: Arrays, rows: Array, key: Array) -> Array:
        spectra, density, _ = arrays
        which, noise, low, other = jax.random.split(key, 4)
        n = math.gcd(rows.size, self.n_conditions)
        chosen = jax.random.choice(which, self.buffer_size, (n,), replace=False)
        operators = jax.tree.map(lambda part: part[chosen], buffer)
        p = spectra[rows].reshape(n, -1, spectra.shape[1])
        g = apply_with_noise(operators, p, density[rows].reshape(n, -1), noise)
        g = random_defects(operators, g, other, self.defects)
        g = g.reshape(rows.size, -1)
        return ripples(g, low) if self._has_ripples else g

    def type_mask(self, arrays: Arrays, rows: Array) -> Array:
        mask: Array = arrays[2][rows]
        return mask

    def close(self) -> None:
        self._stopped = True
        self._threads.shutdown()


@partial(jax.jit, donate_argnums=0)
def _replace(whole: Array, rows: Array, part: Array) -> Array:
    return whole.at[rows].set(part)
