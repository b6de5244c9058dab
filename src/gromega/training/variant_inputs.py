"""Training inputs made of variants of crystals, at conditions drawn from a box."""

import math
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import astuple
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
from gromega.crystals.generate.variants import Changes, keeps_type, vary, vary_uiso
from gromega.pdf.bins import DMAX, n_bins
from gromega.pdf.random_conditions import apply_with_noise, random_operator
from gromega.pdf.spectrum import pair_spectrum
from gromega.training.augment import ripples
from gromega.training.inputs import Arrays

# With one set of conditions per batch, a network overfits the latest one; BatchNorm
# suffers most (docs/models.md).
_N_CONDITIONS = 16
# Keeps the operators' random stream apart from that of validation, whose conditions
# come from the same box.
_STREAM = 0x0BE7

EpochArrays = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


class VariantInputs:
    """Variants of crystals at conditions from the whole of a box.

    Every epoch has its own variants: threads make them and compute their pair spectra
    during the epoch before. After every step, new random conditions replace the oldest
    operator of a buffer; each batch is computed with several operators of the buffer.

    Parameters
    ----------
    ids, templates, y, types
        The ids of n crystals, the crystals with their symmetry, and their classes and
        structure types as in `TrainingInputs`.
    box
        The box from which conditions are drawn.
    changes
        The size of the changes from a crystal to its variants.
    seed
        The seed of variants and conditions.
    buffer_size
        The number of operators in the buffer.
    n_conditions
        The number of conditions in a batch; in a batch whose rows it does not divide,
        their greatest common divisor.
    radiation
        The radiation of most variants.
    n_augmentation
        The number of augmentation crystals, the last of all; every epoch has half.
    stretch
        The largest isotropic strain that an operator adds to those of the variants.
    reference
        The conditions that are drawn more often than others, as in `draw_theta`; all
        are equally likely if None.
    epochs
        The number of epochs, after which no variants are made; unlimited if None.
    """

    def __init__(
        self,
        ids: NDArray[np.str_],
        templates: Sequence[Template],
        y: NDArray[np.int64],
        box: Box,
        changes: Changes,
        seed: int,
        buffer_size: int = 64,
        n_conditions: int = _N_CONDITIONS,
        radiation: str = "xray",
        types: NDArray[np.int64] | None = None,
        n_augmentation: int = 0,
        stretch: float = 0.0,
        reference: Conditions | None = None,
        epochs: int | None = None,
    ) -> None:
        self.ids, self.y, self.types = ids, y, types
        self.n_conditions, self._n_augmentation = n_conditions, n_augmentation
        others = tuple(name for name in RADIATIONS if name != radiation)
        self._radiations, self._stopped = (radiation, *others), False
        self._templates, self._box, self._changes = templates, box, changes
        self._seed, self._size, self._epochs = seed, buffer_size, epochs
        self._stretch, self._reference = stretch, reference
        # At one set of conditions, the training is one on ideal PDFs: no ripples.
        self._has_ripples = any(low < high for low, high in astuple(box))
        self._spectra = jnp.zeros((len(templates), n_bins(DMAX)), jnp.float32)
        self._density = np.zeros(len(templates), np.float32)
        self._type_mask = np.zeros(len(templates), np.float32)
        self._threads = ThreadPoolExecutor(1)
        self._next: tuple[int, Future[EpochArrays]] | None = None

    def rows(self, epoch: int) -> NDArray[np.int64]:
        n = self.y.size - self._n_augmentation
        # Every other augmentation crystal; if they are odd in number, the first one is
        # in every epoch, so that all epochs have the same size.
        half = np.arange((self._n_augmentation + 1) // 2)
        chosen = ((epoch + n) % 2 + 2 * half) % max(self._n_augmentation, 1)
        return np.concatenate([np.arange(n), n + chosen])

    def epoch_arrays(self, epoch: int) -> Arrays:
        rows = self.rows(epoch)
        if self._next is not None and self._next[0] == epoch:
            spectra, density, mask = self._next[1].result()
        else:
            if self._next is not None:
                self._next[1].result()
            spectra, density, mask = self._make(epoch, rows)
        self._spectra = _replace(self._spectra, rows, spectra)
        self._density[rows], self._type_mask[rows] = density, mask
        self._next = None
        if self._epochs is None or epoch + 1 < self._epochs:
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
                random = np.random.default_rng([self._seed, row, epoch])
                if self._stopped:
                    return
                crystal = vary(self._templates[row], self._changes, random)
                extra_uiso = vary_uiso(crystal, self._changes, random)
                first = random.random() >= self._changes.other_radiation
                radiations = self._radiations if first else self._radiations[::-1]
                spectra[i] = _spectrum(crystal, radiations, extra_uiso)
                density[i] = crystal.density
                mask[i] = keeps_type(crystal, self._templates[row])

        with open_pool() as threads:
            pieces = np.array_split(np.arange(rows.size), 64 * n_workers(threads))
            list(threads.map(make, pieces))
        return spectra, density, mask

    def operator_buffer(self, step: int) -> Arrays:
        # Before step s the buffer holds the operators s to s + size - 1.
        buffer = jax.tree.map(
            lambda part: jnp.zeros((self._size, *part.shape), part.dtype),
            jax.eval_shape(self._operator, jnp.asarray(0)),
        )
        for number in range(step, step + self._size):
            buffer = self._put(buffer, number)
        return buffer

    def refresh(self, buffer: Arrays, step: ArrayLike) -> Arrays:
        return self._put(buffer, step + self._size)

    @partial(jax.jit, static_argnums=0, donate_argnums=1)
    def _put(self, buffer: Arrays, number: ArrayLike) -> Arrays:
        slot = jnp.asarray(number) % self._size
        return jax.tree.map(
            lambda whole, part: whole.at[slot].set(part),
            buffer,
            self._operator(number),
        )

    def _operator(self, number: ArrayLike) -> Arrays:
        stream = jax.random.fold_in(jax.random.key(self._seed), _STREAM)
        key = jax.random.fold_in(stream, number)
        return random_operator(
            self._box, n_bins(DMAX), key, self._stretch, self._reference
        )

    def batch(self, arrays: Arrays, buffer: Arrays, rows: Array, key: Array) -> Array:
        spectra, density, _ = arrays
        which, noise, low = jax.random.split(key, 3)
        n = math.gcd(rows.size, self.n_conditions)
        chosen = jax.random.choice(which, self._size, (n,), replace=False)
        operators = jax.tree.map(lambda part: part[chosen], buffer)
        p = spectra[rows].reshape(n, -1, spectra.shape[1])
        g = apply_with_noise(operators, p, density[rows].reshape(n, -1), noise)
        g = g.reshape(rows.size, -1)
        return ripples(g, low) if self._has_ripples else g

    def type_mask(self, arrays: Arrays, rows: Array) -> Array:
        mask: Array = arrays[2][rows]
        return mask

    def close(self) -> None:
        self._stopped = True
        self._threads.shutdown()


def _spectrum(
    crystal: Crystal, radiations: tuple[str, ...], extra_uiso: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return the pair spectrum for the first radiation that the crystal scatters."""
    first, second = radiations
    try:
        return pair_spectrum(crystal, first, DMAX, extra_uiso)
    except ValueError:
        # An element has no scattering length, or the lengths cancel out.
        return pair_spectrum(crystal, second, DMAX, extra_uiso)


@partial(jax.jit, donate_argnums=0)
def _replace(whole: Array, rows: Array, part: Array) -> Array:
    return whole.at[rows].set(part)
