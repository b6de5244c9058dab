"""The size of the primitive cell: its number of atoms, and its volume.

A structure type has a number of atoms in its primitive cell. So the probabilities of
the structure types, which the network has anyway, are probabilities of this number.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gromega._util.formatting import percent
from gromega.crystals.composition import nuclide
from gromega.crystals.crystal import MAX_Z, Crystal
from gromega.crystals.read_formula import spellings
from gromega.crystals.structure_type import anonymous_formula, atoms_of_type
from gromega.networks.quantize import dequantize

INTERVAL = 0.05, 0.95
"""The quantiles that are the ends of an interval."""
N_RATIOS = 20
"""The number of quantiles of volumes over those of the elements."""
# The factor of the probability of a structure type of other ratios than those of the
# composition. Its number of atoms may be right, as PDFs of such types can be alike.
_OTHER_RATIOS = np.float32(np.exp(-4))
# The share of probability that must have a whole number of formula units; below it,
# the composition is not that of the structure types.
_LEAST = 1e-3
# A formula has whole numbers of atoms if they differ less from them.
_WHOLE = 1e-3
# No formula unit has more atoms of an element.
_MOST = 10_000
# The volume of an atom of unknown kind in Å³, and its weight, in crystals.
_USUAL_VOLUME, _RIDGE = 18.0, 3.0

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class CellSize:
    """The size of the primitive cell of one prediction.

    Parameters
    ----------
    atoms, probability
        The most probable number of atoms, and its probability.
    atoms_range
        The ends of the 90 % interval of the number of atoms.
    volume, volume_range
        The median of the volume, and the ends of its 90 % interval, in Å³; None
        without the composition.
    """

    atoms: int
    probability: float
    atoms_range: tuple[int, int]
    volume: float | None = None
    volume_range: tuple[float, float] | None = None

    def lines(self) -> Iterator[str]:
        """Yield a line for each fact."""
        low, high = self.atoms_range
        yield (
            f"primitive cell: {self.atoms} atoms ({percent(self.probability, 0)}; 90 % "
            f"interval {low} to {high})"
        )
        if self.volume is not None and self.volume_range is not None:
            low_volume, high_volume = self.volume_range
            yield (
                f"volume of the primitive cell: {_three_digits(self.volume)} Å³ (90 % "
                f"interval {_three_digits(low_volume)} to "
                f"{_three_digits(high_volume)})"
            )


@dataclass(frozen=True, repr=False)
class CellSizes:
    """The sizes of the primitive cells of structure types, and volumes of elements.

    Parameters
    ----------
    atoms, ratios
        The number of atoms of each class of the network, (n_types,), and the ratios of
        its elements, such as ``AB2``, n_types of them. A class of several structure
        types has 0 atoms and no ratios; it does not count.
    element_volumes
        The volume of an atom in Å³ by atomic number, (119,).
    volume_ratios
        Quantiles of the volume of a crystal over that of its elements, (20,).
    """

    atoms: NDArray[np.int16]
    ratios: tuple[str, ...]
    element_volumes: Floats
    volume_ratios: Floats

    def __post_init__(self) -> None:
        sizes = len(self.ratios), self.element_volumes.size
        if sizes != (self.atoms.size, MAX_Z + 1) or self.atoms.max() < 1:
            raise ValueError("the sizes of cells are not valid.")

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        """The different numbers of atoms, (n_numbers,), in ascending order."""
        return np.unique(self.atoms[self.atoms > 0]).astype(np.int64)

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        """The classes of one structure type, by their number of atoms."""
        order = np.argsort(self.atoms, kind="stable")
        return order[np.count_nonzero(self.atoms == 0) :]

    @cached_property
    def _kinds_of_ratios(self) -> tuple[dict[str, int], NDArray[np.int64]]:
        """The index of each different one of `ratios`, and that of each type."""
        names, of_type = np.unique(self.ratios, return_inverse=True)
        return {name: k for k, name in enumerate(names.tolist())}, of_type

    def shares(self, p_types: Floats, compositions: Sequence[str | None]) -> Floats:
        """Return the probability of each of `numbers`, (n, n_numbers).

        With a composition of whole numbers, structure types of other ratios are less
        probable, and the primitive cell has a whole number of formula units.

        Parameters
        ----------
        p_types
            The probabilities of the structure types, (n, n_types).
        compositions
            The compositions; None of a PDF without.
        """
        units = [each and _formula_unit(each) for each in compositions]
        p = p_types.copy()
        for row, unit in zip(p, units, strict=True):
            if unit:
                names, of_type = self._kinds_of_ratios
                row[of_type != names.get(unit[1])] *= _OTHER_RATIOS
        starts = np.searchsorted(self.atoms[self._order], self.numbers)
        shares: Floats = np.add.reduceat(p[:, self._order], starts, axis=1)
        shares /= shares.sum(axis=1, keepdims=True)
        for row, unit in zip(shares, units, strict=True):
            fits = self.numbers % (unit[0] if unit else 1) == 0
            if row[fits].sum() >= _LEAST:
                row[~fits] = 0
        shares /= shares.sum(axis=1, keepdims=True)
        return shares

    def volume(self, composition: str) -> float:
        """Return the usual volume of an atom of a composition in Å³."""
        amounts = _amounts(composition)
        n = np.array([*amounts.values()])
        return float(self.element_volumes[[*amounts]] @ n / n.sum())

    def size(self, shares: Floats, composition: str | None = None) -> CellSize:
        """Return the size of one cell, from its `shares`, (n_numbers,).

        It has no volume if the numbers do not fit the composition.
        """
        best = int(shares.argmax())
        low, high = _quantiles(self.numbers, shares, INTERVAL)
        atoms = int(self.numbers[best]), float(shares[best]), (int(low), int(high))
        unit = composition and _formula_unit(composition)
        fits = self.numbers % (unit[0] if unit else 1) == 0
        if composition is None or shares[~fits].any():
            return CellSize(*atoms)
        each = self.volume(composition) * self.volume_ratios
        volumes = np.outer(self.numbers, each).ravel()
        p = np.repeat(shares / each.size, each.size)
        low, middle, high = _quantiles(volumes, p, (INTERVAL[0], 0.5, INTERVAL[1]))
        return CellSize(*atoms, float(middle), (float(low), float(high)))


def fit_cell_sizes(
    structure_types: Sequence[str], crystals: Sequence[Crystal]
) -> CellSizes:
    """Return the sizes of cells.

    Parameters
    ----------
    structure_types
        The structure type of each class of the network, as `structure_type` names it;
        empty for a class of several types.
    crystals
        The training crystals, for the volumes of the elements.
    """
    counts = np.zeros((len(crystals), MAX_Z + 1))
    for row, crystal in zip(counts, crystals, strict=True):
        np.add.at(row, crystal.numbers, crystal.occupancy)
    true = np.array([crystal.volume for crystal in crystals])
    # Least squares of the relative error; a rare element keeps about the usual volume.
    x = counts / true[:, None]
    size = _RIDGE / _USUAL_VOLUME**2
    matrix = x.T @ x + size * np.eye(MAX_Z + 1)
    volumes = np.linalg.solve(matrix, x.sum(axis=0) + size * _USUAL_VOLUME)
    volumes = np.maximum(volumes, 1.0)
    levels = (np.arange(N_RATIOS) + 0.5) / N_RATIOS
    ratios = np.quantile(true / (counts @ volumes), levels)
    atoms = [atoms_of_type(name) if name else 0 for name in structure_types]
    return CellSizes(
        np.array(atoms, np.int16),
        tuple(each.partition("_")[0] for each in structure_types),
        volumes.astype(np.float32), ratios.astype(np.float32),
    )  # fmt: skip


class TypeHead:
    """The last layer of a network, whose classes are structure types, in NumPy."""

    def __init__(self, weights: Mapping[str, NDArray[Any]]) -> None:
        names = ("last/kernel", "last/bias")
        last = dequantize({k: v for k, v in weights.items() if k.startswith(names)})
        self._kernel, self._bias = (last[name] for name in names)

    def __call__(self, embeddings: Floats) -> Floats:
        """Return the probabilities of the types, (n, n_types)."""
        x: Floats = embeddings @ self._kernel
        x += self._bias
        x -= x.max(axis=1, keepdims=True)
        np.exp(x, out=x)
        x /= x.sum(axis=1, keepdims=True)
        return x


def _quantiles(
    values: NDArray[Any], p: NDArray[Any], levels: Sequence[float]
) -> NDArray[Any]:
    """Return quantiles of a distribution over values with probabilities p."""
    order = np.argsort(values, kind="stable")
    below = np.cumsum(p[order], dtype=np.float64)
    found = np.searchsorted(below, np.array(levels) * below[-1] - 1e-9)
    quantiles: NDArray[Any] = values[order][np.minimum(found, values.size - 1)]
    return quantiles


def _amounts(composition: str) -> dict[int, float]:
    """Return the amount of each atomic number; isotopes count as their element."""
    amounts: dict[int, float] = {}
    for key, amount in spellings(composition)[0].items():
        z = int(nuclide(key).number)
        amounts[z] = amounts.get(z, 0.0) + amount
    return amounts


def _three_digits(value: float) -> str:
    return f"{float(f'{value:.3g}'):g}"


@lru_cache(4096)
def _formula_unit(composition: str) -> tuple[int, str] | None:
    """Return the atoms in the formula unit, and the ratios; None if it is not whole."""
    amounts = np.array([*_amounts(composition).values()])
    if amounts.max() > _MOST:
        return None
    counts = np.round(amounts).astype(np.int64)
    if np.abs(amounts - counts).max() > _WHOLE or counts.min() < 1:
        return None
    smallest = int(np.gcd.reduce(counts))
    return int(counts.sum()) // smallest, anonymous_formula(counts.tolist())
