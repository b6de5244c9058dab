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

from gromega.conditions import Box
from gromega.crystals.crystal import Crystal
from gromega.crystals.variants import Changes, Template, vary, vary_uiso
from gromega.models.augment import ripples, stretch, stretch_matrices
from gromega.parallel import n_workers, open_pool
from gromega.pdf.network_input import INPUT_R, input_readout
from gromega.pdf.operator import build
from gromega.pdf.random_conditions import draw_theta
from gromega.pdf.spectrum import DMAX, n_bins, pair_spectrum

Arrays = Any


class Feed(Protocol):
    """What gives a training its batches.

    Attributes
    ----------
    ids
        The ids of its crystals, (n,).
    y
        Their classes, (n,), indices into the model's space groups.
    """

    ids: NDArray[np.str_]
    y: NDArray[np.int64]

    def stock(self, epoch: int) -> Arrays:
        """Return the arrays of an epoch, that of the same epoch always the same."""

    def pool(self, step: int) -> Arrays:
        """Return the pool as it is before a step."""

    def renew(self, pool: Arrays, step: ArrayLike) -> Arrays:
        """Return the pool with its oldest part made anew. Traceable."""

    def inputs(self, stock: Arrays, pool: Arrays, rows: Array, key: Array) -> Array:
        """Return G(r), (n_rows, 209), up to a factor. Traceable."""

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


class FixedFeed:
    """PDFs at one set of conditions, strained at random where a recipe says so.

    Parameters
    ----------
    part
        The part of the split.
    strain
        The largest strain, alike in all directions.
    """

    def __init__(self, part: Part, strain: float = 0.0) -> None:
        self.ids, self.y = part.ids, part.y
        self._g = jnp.asarray(part.g)
        self._strains = jnp.asarray(stretch_matrices(strain)) if strain else None

    def stock(self, epoch: int) -> Arrays:
        return self._g, self._strains

    def pool(self, step: int) -> Arrays:
        return ()

    def renew(self, pool: Arrays, step: ArrayLike) -> Arrays:
        return pool

    def inputs(self, stock: Arrays, pool: Arrays, rows: Array, key: Array) -> Array:
        g, strains = stock
        return g[rows] if strains is None else stretch(g[rows], key, strains)

    def close(self) -> None:
        pass


class VariantFeed:
    """Variants of crystals, seen at conditions from the whole of a box.

    Every epoch, a share of the crystals is made anew: other variants, their pair
    spectra computed by threads while the epoch before is trained on. At every step,
    the oldest operator of a pool is replaced by that of new random conditions, and
    each batch is made with several operators of the pool.

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
    refresh
        A crystal is made anew every so many epochs.
    pool
        The number of operators in the pool.
    mixed
        The number of conditions in a batch.
    """

    def __init__(
        self,
        ids: NDArray[np.str_],
        templates: Sequence[Template],
        y: NDArray[np.int64],
        box: Box,
        changes: Changes,
        seed: int,
        refresh: int = 4,
        pool: int = 64,
        mixed: int = 16,
    ) -> None:
        self.ids, self.y = ids, y
        self._templates, self._box, self._changes = templates, box, changes
        self._seed, self._refresh, self._size, self._mixed = seed, refresh, pool, mixed
        # Training at one set of conditions alone is training at perfect ones.
        self._rippled = any(low < high for low, high in astuple(box))
        self._spectra: Array | None = None
        self._density = np.zeros(len(templates), np.float32)
        self._threads = ThreadPoolExecutor(1)
        self._coming: tuple[int, Future[Any]] | None = None

    def stock(self, epoch: int) -> Arrays:
        if self._coming is None or self._coming[0] != epoch:
            self._await()
            self._spectra = None
            rows = np.arange(len(self._templates))
            made = self._make(epoch, rows)
        else:
            rows = np.arange(len(self._templates))[self._share(epoch)]
            made = self._coming[1].result()
        spectra, self._density[rows] = made
        if self._spectra is None:
            self._spectra = jnp.asarray(spectra)
        else:
            self._spectra = _replace(self._spectra, rows, spectra)
        following = np.arange(len(self._templates))[self._share(epoch + 1)]
        coming = self._threads.submit(self._make, epoch + 1, following)
        self._coming = epoch + 1, coming
        return self._spectra, jnp.asarray(self._density)

    def _share(self, epoch: int) -> slice:
        return slice(epoch % self._refresh, None, self._refresh)

    def _make(
        self, epoch: int, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the spectra and densities of crystals as they are in an epoch."""
        spectra = np.empty((rows.size, n_bins(DMAX)), np.float32)
        density = np.empty(rows.size, np.float32)

        def make(places: NDArray[np.int64]) -> None:
            for place in places:
                row = int(rows[place])
                # The epoch in which this crystal was last made anew, from 1 on.
                age = (epoch - row) % self._refresh
                random = np.random.default_rng(
                    [self._seed, row, epoch - age + self._refresh]
                )
                crystal = vary(self._templates[row], self._changes, random)
                extra = vary_uiso(crystal, self._changes, random)
                neutron = random.random() < self._changes.neutron
                spectra[place] = _spectrum(crystal, neutron, extra)
                density[place] = crystal.density

        with open_pool() as threads:
            pieces = np.array_split(np.arange(rows.size), 64 * n_workers(threads))
            list(threads.map(make, pieces))
        return spectra, density

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
        key = jax.random.fold_in(jax.random.key(self._seed), number)
        return random_operator(self._box, n_bins(DMAX), key)

    def inputs(self, stock: Arrays, pool: Arrays, rows: Array, key: Array) -> Array:
        spectra, density = stock
        which, noise, low = jax.random.split(key, 3)
        mixed = math.gcd(rows.size, self._mixed)
        chosen = jax.random.choice(which, self._size, (mixed,), replace=False)
        op = jax.tree.map(lambda part: part[chosen], pool)
        p = spectra[rows].reshape(mixed, -1, spectra.shape[1])
        g = observe(op, p, density[rows].reshape(mixed, -1), noise)
        g = g.reshape(rows.size, -1)
        return ripples(g, low) if self._rippled else g

    def close(self) -> None:
        self._await()
        self._threads.shutdown()

    def _await(self) -> None:
        if self._coming is not None:
            self._coming[1].result()
            self._coming = None


def _spectrum(
    crystal: Crystal, neutron: bool, extra_uiso: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return the spectrum for neutrons, or for x-rays where there is none."""
    if neutron:
        try:
            return pair_spectrum(crystal, "neutron", DMAX, extra_uiso)
        except ValueError:
            # An element without a length, or lengths that cancel out.
            pass
    return pair_spectrum(crystal, "xray", DMAX, extra_uiso)


def at_random(
    spectra: NDArray[np.float32],
    density: NDArray[np.float64],
    box: Box,
    seed: int,
    n_conditions: int = 64,
) -> NDArray[np.float32]:
    """Return G(r), (n, 209), of crystals, each at conditions drawn from a box.

    Parameters
    ----------
    spectra
        The pair spectra, (n, n_bins).
    density
        The number densities ρ0, (n,), in Å⁻³.
    box
        The box.
    seed
        The seed of conditions and noise.
    n_conditions
        The number of conditions, which the crystals share.
    """
    g = np.empty((len(spectra), INPUT_R.size), np.float32)
    for k in range(n_conditions):
        rows = np.arange(k, len(spectra), n_conditions)
        key = jax.random.fold_in(jax.random.key(seed), k)
        op = random_operator(box, spectra.shape[1], key)
        noise = jax.random.fold_in(key, 1)
        g[rows] = observe(op, spectra[rows][None], density[rows][None], noise)[0]
    return g


@partial(jax.jit, static_argnums=(0, 1))
def random_operator(box: Box, n_d: int, key: Array) -> Arrays:
    """Return an operator of random conditions, and the level of its noise."""
    theta = draw_theta(box, key)
    matrix, baseline, noise = build(theta, input_readout(), n_d)
    level = jnp.asarray(theta["noise"])
    return {"matrix": matrix, "baseline": baseline, "noise": noise, "level": level}


def observe(op: Arrays, spectra: ArrayLike, density: ArrayLike, key: Array) -> Array:
    """Return G(r) with noise, (m, n, 209), of m operators with n crystals each.

    Parameters
    ----------
    op
        The operators, as of `random_operator`, stacked or one.
    spectra, density
        The spectra, (m, n, n_bins), and densities, (m, n).
    key
        The random key of the noise.
    """
    spectra, density = jnp.asarray(spectra), jnp.asarray(density)
    op = jax.tree.map(jnp.atleast_1d, op)
    matrix = op["matrix"].reshape(len(spectra), INPUT_R.size, -1)
    noise = op["noise"].reshape(len(spectra), INPUT_R.size, -1)
    baseline = op["baseline"].reshape(len(spectra), 1, -1)
    g = jnp.einsum("mnd,mrd->mnr", spectra, matrix) + density[..., None] * baseline
    size = jnp.sqrt(jnp.mean(g**2, axis=2, keepdims=True))
    factors = jax.random.normal(key, (*g.shape[:2], noise.shape[2]))
    waves = jnp.einsum("mnq,mrq->mnr", factors, noise)
    return g + op["level"].reshape(-1, 1, 1) * size * waves


@partial(jax.jit, donate_argnums=0)
def _replace(whole: Array, rows: Array, part: Array) -> Array:
    return whole.at[rows].set(part)
