"""Feeds: what a training step sees, made on the device from what a feed holds there.

A feed gives a `stock`, which stays as it is for an epoch, and a `pool`, of which a part
is renewed at every step; `inputs` makes a batch of G(r) of both, within the compiled
step.
"""

import math
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import astuple, dataclass
from functools import partial
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from numpy.typing import NDArray

from gromega._util.parallel import n_workers, open_pool
from gromega.conditions import RADIATIONS, Box, Conditions
from gromega.crystals.crystal import Crystal
from gromega.crystals.generate.variants import (
    Changes,
    Template,
    keeps_type,
    vary,
    vary_uiso,
)
from gromega.pdf.bins import DMAX, n_bins
from gromega.pdf.random_conditions import apply_with_noise, random_operator
from gromega.pdf.spectrum import pair_spectrum
from gromega.training.augment import ripples, stretch, stretch_matrices

Arrays = Any
MIXED = 16
"""The number of conditions in a batch: those of one alone would be learned by heart
and forgotten (BatchNorm is worst; see docs/models.md)."""
_STREAM = 0x0BE7


class TrainingInputs(Protocol):
    """What gives a training its batches.

    Attributes
    ----------
    ids
        The ids of its crystals, (n,).
    y
        Their classes, (n,), indices into the model's space groups.
    types
        Their structure types, (n,), indices into those of the network; None where it
        has none.
    mixed
        The number of equal parts that a batch consists of.
    """

    ids: NDArray[np.str_]
    y: NDArray[np.int64]
    types: NDArray[np.int64] | None
    mixed: int

    def rows(self, epoch: int) -> NDArray[np.int64]:
        """Return which crystals an epoch sees, in every epoch as many."""

    def stock(self, epoch: int) -> Arrays:
        """Return the arrays of an epoch, that of the same epoch always the same."""

    def pool(self, step: int) -> Arrays:
        """Return the pool as it is before a step."""

    def renew(self, pool: Arrays, step: ArrayLike) -> Arrays:
        """Return the pool with its oldest part made anew. Traceable."""

    def inputs(self, stock: Arrays, pool: Arrays, rows: Array, key: Array) -> Array:
        """Return G(r), (n_rows, 209), up to a factor. Traceable."""

    def typed(self, stock: Arrays, rows: Array) -> Array:
        """Return 1 for rows of the structure type of their crystal, 0 for others."""

    def close(self) -> None:
        """End what works in the background."""


@dataclass(frozen=True)
class Part:
    """The PDFs and the classes of one part of a split.

    Parameters
    ----------
    ids
        The ids of the crystals, (n,).
    g
        G(r), (n, 209) float32, in Å⁻².
    y
        The classes, (n,), indices into the model's space groups.
    """

    ids: NDArray[np.str_]
    g: NDArray[np.float32]
    y: NDArray[np.int64]


class FixedInputs:
    """PDFs at one set of conditions, strained at random where a recipe says so.

    Parameters
    ----------
    part
        The part of the split.
    strain
        The largest strain, alike in all directions.
    """

    def __init__(self, part: Part, strain: float = 0.0) -> None:
        self.ids, self.y, self.mixed = part.ids, part.y, 1
        self.types: NDArray[np.int64] | None = None
        self._g = jnp.asarray(part.g)
        self._strains = jnp.asarray(stretch_matrices(strain)) if strain else None

    def rows(self, epoch: int) -> NDArray[np.int64]:
        return np.arange(self.y.size)

    def stock(self, epoch: int) -> Arrays:
        return self._g, self._strains

    def pool(self, step: int) -> Arrays:
        return ()

    def renew(self, pool: Arrays, step: ArrayLike) -> Arrays:
        return pool

    def inputs(self, stock: Arrays, pool: Arrays, rows: Array, key: Array) -> Array:
        g, strains = stock
        return g[rows] if strains is None else stretch(g[rows], key, strains)

    def typed(self, stock: Arrays, rows: Array) -> Array:
        return jnp.ones(rows.size)

    def close(self) -> None:
        pass


class VariantInputs:
    """Variants of crystals, seen at conditions from the whole of a box.

    No variant is seen twice: those of an epoch are made, and their pair spectra
    computed, by threads while the epoch before is trained on. At every step, the
    oldest operator of a pool is replaced by that of new random conditions, and each
    batch is made with several operators of the pool.

    Parameters
    ----------
    ids
        The ids of the crystals, (n,).
    templates
        The crystals with their symmetry, n of them.
    y
        The classes, (n,).
    box
        What conditions are drawn from.
    changes
        How far variants go.
    seed
        The seed of all this.
    pool
        The number of operators in the pool.
    mixed
        The number of conditions in a batch, fewer where it has not so many rows or
        they do not divide them.
    radiation
        The radiation that most variants are seen by.
    types
        The structure types, (n,), as in `TrainingInputs`.
    extra
        The last so many of the crystals are seen in every other epoch alone.
    stretch
        The largest strain, alike in all directions, that an operator adds to those of
        the variants.
    usual
        Conditions that are more often seen than others, as in `draw_theta`.
    epochs
        The number of epochs, after which no variants are made ahead; if left out, the
        next ones always are.
    """

    def __init__(
        self,
        ids: NDArray[np.str_],
        templates: Sequence[Template],
        y: NDArray[np.int64],
        box: Box,
        changes: Changes,
        seed: int,
        pool: int = 64,
        mixed: int = MIXED,
        radiation: str = "xray",
        types: NDArray[np.int64] | None = None,
        extra: int = 0,
        stretch: float = 0.0,
        usual: Conditions | None = None,
        epochs: int | None = None,
    ) -> None:
        self.ids, self.y, self.types, self._extra = ids, y, types, extra
        others = tuple(name for name in RADIATIONS if name != radiation)
        self._radiations, self._stopped = (radiation, *others), False
        self._templates, self._box, self._changes = templates, box, changes
        self._seed, self._size, self.mixed = seed, pool, mixed
        self._stretch, self._usual, self._epochs = stretch, usual, epochs
        # Training at one set of conditions alone is training at perfect ones.
        self._rippled = any(low < high for low, high in astuple(box))
        self._spectra = jnp.zeros((len(templates), n_bins(DMAX)), jnp.float32)
        self._density = np.zeros(len(templates), np.float32)
        self._typed = np.zeros(len(templates), np.float32)
        self._threads = ThreadPoolExecutor(1)
        self._coming: tuple[int, Future[Any]] | None = None

    def rows(self, epoch: int) -> NDArray[np.int64]:
        n = self.y.size - self._extra
        # Every other one of them; of an odd number, the first comes in every epoch.
        half = np.arange((self._extra + 1) // 2)
        more = ((epoch + n) % 2 + 2 * half) % max(self._extra, 1)
        return np.concatenate([np.arange(n), n + more])

    def stock(self, epoch: int) -> Arrays:
        rows = self.rows(epoch)
        if self._coming is None or self._coming[0] != epoch:
            self._await()
            spectra, density, typed = self._make(epoch, rows)
        else:
            spectra, density, typed = self._coming[1].result()
        self._spectra = _replace(self._spectra, rows, spectra)
        self._density[rows], self._typed[rows] = density, typed
        self._coming = None
        if self._epochs is None or epoch + 1 < self._epochs:
            coming = self._threads.submit(self._make, epoch + 1, self.rows(epoch + 1))
            self._coming = epoch + 1, coming
        # Copies: the next epoch changes them.
        return self._spectra, jnp.array(self._density), jnp.array(self._typed)

    def _make(
        self, epoch: int, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Return spectra and densities in an epoch, and who keeps its type."""
        spectra = np.empty((rows.size, n_bins(DMAX)), np.float32)
        density, typed = np.empty((2, rows.size), np.float32)

        def make(places: NDArray[np.int64]) -> None:
            for place in places:
                row = int(rows[place])
                random = np.random.default_rng([self._seed, row, epoch])
                if self._stopped:
                    return
                crystal = vary(self._templates[row], self._changes, random)
                extra = vary_uiso(crystal, self._changes, random)
                usual = random.random() >= self._changes.other_radiation
                order = self._radiations if usual else self._radiations[::-1]
                spectra[place] = _spectrum(crystal, order, extra)
                density[place] = crystal.density
                typed[place] = keeps_type(crystal, self._templates[row])

        with open_pool() as threads:
            pieces = np.array_split(np.arange(rows.size), 64 * n_workers(threads))
            list(threads.map(make, pieces))
        return spectra, density, typed

    def pool(self, step: int) -> Arrays:
        # Before step s it holds the operators s to s + size - 1.
        pool = jax.tree.map(
            lambda part: jnp.zeros((self._size, *part.shape), part.dtype),
            jax.eval_shape(self._operator, jnp.asarray(0)),
        )
        for number in range(step, step + self._size):
            pool = self._put(pool, number)
        return pool

    def renew(self, pool: Arrays, step: ArrayLike) -> Arrays:
        return self._put(pool, step + self._size)

    @partial(jax.jit, static_argnums=0, donate_argnums=1)
    def _put(self, pool: Arrays, number: ArrayLike) -> Arrays:
        place = jnp.asarray(number) % self._size
        return jax.tree.map(
            lambda whole, part: whole.at[place].set(part), pool, self._operator(number)
        )

    def _operator(self, number: ArrayLike) -> Arrays:
        # A stream of its own: validation draws from the same box.
        stream = jax.random.fold_in(jax.random.key(self._seed), _STREAM)
        key = jax.random.fold_in(stream, number)
        return random_operator(self._box, n_bins(DMAX), key, self._stretch, self._usual)

    def inputs(self, stock: Arrays, pool: Arrays, rows: Array, key: Array) -> Array:
        spectra, density, _ = stock
        which, noise, low = jax.random.split(key, 3)
        mixed = math.gcd(rows.size, self.mixed)
        chosen = jax.random.choice(which, self._size, (mixed,), replace=False)
        op = jax.tree.map(lambda part: part[chosen], pool)
        p = spectra[rows].reshape(mixed, -1, spectra.shape[1])
        g = apply_with_noise(op, p, density[rows].reshape(mixed, -1), noise)
        g = g.reshape(rows.size, -1)
        return ripples(g, low) if self._rippled else g

    def typed(self, stock: Arrays, rows: Array) -> Array:
        return stock[2][rows]

    def close(self) -> None:
        self._stopped = True
        self._threads.shutdown()

    def _await(self) -> None:
        if self._coming is not None:
            self._coming[1].result()
            self._coming = None


def _spectrum(
    crystal: Crystal, radiations: tuple[str, ...], extra_uiso: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return the spectrum for the first radiation that sees the crystal."""
    first, second = radiations
    try:
        return pair_spectrum(crystal, first, DMAX, extra_uiso)
    except ValueError:
        # An element without a length, or lengths that cancel out.
        return pair_spectrum(crystal, second, DMAX, extra_uiso)


@partial(jax.jit, donate_argnums=0)
def _replace(whole: Array, rows: Array, part: Array) -> Array:
    return whole.at[rows].set(part)
