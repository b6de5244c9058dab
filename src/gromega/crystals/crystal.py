"""The crystal: a lattice with atoms."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import periodictable
from numpy.typing import ArrayLike, NDArray

MAX_Z = 118
HEAVIEST = 103
"""Lawrencium. No crystals of heavier elements are known: such a name is misread."""
ISOTOPE = 1000
"""A nuclide is written as atomic number + 1000 × mass number, 0 for the natural mix."""


def element_of(nuclide: int) -> Any:
    """Return the element of a nuclide, or of an atomic number, as periodictable has it.

    It has a symbol, a list of isotopes and, by mass number, each of them.
    """
    return periodictable.elements[int(nuclide) % ISOTOPE]


def nuclide_symbol(nuclide: int) -> str:
    """Return the symbol of a nuclide, such as ``Li``, ``7Li`` or ``D``."""
    mass, symbol = nuclide // ISOTOPE, str(element_of(nuclide).symbol)
    return {"2H": "D"}.get(f"{mass or ''}{symbol}", f"{mass or ''}{symbol}")


def crystal_of_nuclides(
    id: str,
    lattice: ArrayLike,
    nuclides: NDArray[np.int64],
    frac: ArrayLike,
    occupancy: ArrayLike,
) -> "Crystal":
    """Return a crystal whose atoms are given as nuclides, see `Crystal`."""
    masses, numbers = np.divmod(nuclides, ISOTOPE)
    return Crystal(id, lattice, numbers, frac, occupancy, masses)


@dataclass(frozen=True, eq=False)
class Crystal:
    """A crystal structure, given by all atoms of its cell.

    Parameters
    ----------
    id
        The name of the crystal, unique within its collection.
    lattice
        The cell vectors a, b, c as rows, (3, 3), in Å.
    numbers
        The atomic numbers, (n_atoms,).
    frac
        The fractional coordinates, (n_atoms, 3).
    occupancy
        The occupancies, (n_atoms,), above 0 and at most 1. The default is 1.
    masses
        The mass numbers of isotopes, (n_atoms,). The default is 0: the natural mix.

    Raises
    ------
    ValueError
        If shapes do not match, a value is not finite or out of its range, an isotope
        does not exist, or the cell has no volume.
    """

    id: str
    lattice: NDArray[np.float64]
    numbers: NDArray[np.int64]
    frac: NDArray[np.float64]
    occupancy: NDArray[np.float64]
    masses: NDArray[np.int64]

    def __init__(
        self,
        id: str,
        lattice: ArrayLike,
        numbers: ArrayLike,
        frac: ArrayLike,
        occupancy: ArrayLike | None = None,
        masses: ArrayLike | None = None,
    ) -> None:
        object.__setattr__(self, "id", str(id))
        # Copies, because the arguments may change later, in the memory layout that
        # compiled loops expect.
        numbers = np.array(numbers, dtype=np.int64)
        n = numbers.size
        if occupancy is None:
            occupancy = np.ones(n)
        if masses is None:
            masses = np.zeros(n)
        for name, value, shape in (
            ("lattice", np.array(lattice, dtype=np.float64, order="C"), (3, 3)),
            ("numbers", numbers, (n,)),
            ("frac", np.array(frac, dtype=np.float64, order="C"), (n, 3)),
            ("occupancy", np.array(occupancy, dtype=np.float64), (n,)),
            ("masses", np.array(masses, dtype=np.int64), (n,)),
        ):
            if value.shape != shape:
                raise ValueError(
                    f"crystal {id!r}: {name} must have shape {shape}, "
                    f"got {value.shape}."
                )
            if not np.isfinite(value).all():
                raise ValueError(f"crystal {id!r}: {name} must be finite.")
            object.__setattr__(self, name, value)
        if n == 0:
            raise ValueError(f"crystal {id!r} has no atoms.")
        if numbers.min() < 1 or numbers.max() > MAX_Z:
            raise ValueError(
                f"crystal {id!r}: atomic numbers must be 1 to {MAX_Z}, got "
                f"{numbers.min()} to {numbers.max()}."
            )
        for nuclide in set(self.nuclides[self.masses != 0].tolist()):
            mass, element = nuclide // ISOTOPE, element_of(nuclide)
            if mass not in element.isotopes:
                raise ValueError(
                    f"crystal {id!r}: {element.symbol} has no isotope {mass}."
                )
        low, high = self.occupancy.min(), self.occupancy.max()
        if low <= 0 or high > 1:
            raise ValueError(
                f"crystal {id!r}: occupancies must be above 0 and at most 1, got "
                f"{low:g} to {high:g}."
            )
        if self.volume < 1e-3:
            raise ValueError(
                f"crystal {id!r}: the cell has no volume, got {self.volume:g} Å³."
            )

    @property
    def nuclides(self) -> NDArray[np.int64]:
        """The nuclides, (n_atoms,): atomic number + 1000 × mass number."""
        return self.numbers + ISOTOPE * self.masses

    @property
    def volume(self) -> float:
        """The volume of the cell in Å³."""
        # Not by LAPACK, whose last digits depend on the kind of processor.
        (ax, ay, az), (bx, by, bz), (cx, cy, cz) = self.lattice.tolist()
        volume: float = abs(
            ax * (by * cz - bz * cy)
            + ay * (bz * cx - bx * cz)
            + az * (bx * cy - by * cx)
        )
        return volume

    @property
    def density(self) -> float:
        """The number density ρ0, atoms per Å³, occupancies counted."""
        return float(self.occupancy.sum()) / self.volume

    @property
    def formula(self) -> str:
        """The reduced formula, elements in alphabetical order, as in ``Ni2O3``.

        Deuterium is D. Other isotopes are written as their elements.
        """
        amounts: dict[str, float] = {}
        for nuclide, occupancy in zip(self.nuclides, self.occupancy, strict=True):
            symbol = nuclide_symbol(int(nuclide)).lstrip("0123456789")
            amounts[symbol] = amounts.get(symbol, 0.0) + float(occupancy)
        counts = {symbol: round(amount) for symbol, amount in amounts.items()}
        whole = all(abs(amounts[s] - c) < 1e-3 and c > 0 for s, c in counts.items())
        divisor = np.gcd.reduce(list(counts.values())) if whole else 1
        text = ""
        for symbol in sorted(amounts):
            amount = amounts[symbol] / divisor
            text += symbol + ("" if abs(amount - 1) < 1e-3 else f"{amount:.3g}")
        return text
