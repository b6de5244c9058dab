"""All atoms of a cell, from the sites of a file and the operations of its group."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gromega.crystals.crystal import Crystal, crystal_of_nuclides
from gromega.crystals.io.atom_sites import Site
from gromega.crystals.io.operations import Operations, cell_of
from gromega.crystals.io.sites import FULL, SAME_SITE, merge_sites
from gromega.crystals.refusal import Reason, RefusedError

Floats = NDArray[np.float64]


class Populations(NamedTuple):
    """Occupancies that were converted from populations.

    `full` says whether all sites are full, and `has_general` whether one is on the
    general position.
    """

    occupancies: list[float]
    full: bool
    has_general: bool


@dataclass(frozen=True, eq=False)
class UnitCell:
    """A cell: its lattice, (3, 3) in Å, its sites, and the orbit of each site, (m, 3).

    `order` is the number of operations.
    """

    lattice: Floats
    sites: Sequence[Site]
    orbits: Sequence[Floats]
    order: int

    def crystal(self, name: str, occupancies: Sequence[float] | None = None) -> Crystal:
        """Return the crystal, with other occupancies of the sites if they are given.

        Raise RefusedError if atoms overlap, or the atoms of a site are more than one.
        """
        if occupancies is None:
            occupancies = [site.occupancy for site in self.sites]
        nuclides: list[int] = []
        frac, shares = [], []
        for site, orbit, occupancy in zip(
            self.sites, self.orbits, occupancies, strict=True
        ):
            for nuclide, share in site.shares:
                nuclides += [nuclide] * len(orbit)
                frac.append(orbit)
                shares += [min(share * occupancy, 1.0)] * len(orbit)
        atoms = np.array(nuclides), np.concatenate(frac), np.array(shares)
        try:
            return crystal_of_nuclides(
                name, self.lattice, *merge_sites(*atoms, self.lattice)
            )
        except RefusedError:
            raise
        except ValueError as error:
            raise RefusedError(Reason.UNREADABLE, str(error)) from None

    def without_repeats(self) -> tuple["UnitCell", str]:
        """Return the cell without sites that repeat a partial one, and a label of one.

        They have the same nuclides, type, occupancy, and position.
        """
        kept: list[int] = []
        repeated = ""
        for k, site in enumerate(self.sites):
            if any(self._repeats(k, j) for j in kept):
                repeated = site.label
            else:
                kept.append(k)
        sites, orbits = [self.sites[k] for k in kept], [self.orbits[k] for k in kept]
        return replace(self, sites=sites, orbits=orbits), repeated

    def _repeats(self, k: int, j: int) -> bool:
        one, other = self.sites[k], self.sites[j]
        same = (
            one.shares == other.shares
            and one.kind == other.kind
            and one.alternative == other.alternative
            and one.occupancy < 0.99
            and abs(one.occupancy - other.occupancy) < 0.01
        )
        if not same:
            return False
        steps = self.orbits[j] - self.orbits[k][0]
        steps -= np.round(steps)
        nearest = np.linalg.norm(steps @ self.lattice, axis=1).min()
        return bool(nearest < SAME_SITE)

    def converted(self) -> "Populations | None":
        """Return the occupancies if those of the file are populations, or None.

        FullProf writes occupancy × m / M, with the multiplicities m of the site and M
        of the general position.
        """
        factors = [self.order / len(orbit) for orbit in self.orbits]
        if max(factors) == 1:
            return None
        places = [np.round(site.frac % 1.0, 3).tobytes() for site in self.sites]
        totals: defaultdict[bytes, float] = defaultdict(float)
        errors: defaultdict[bytes, float] = defaultdict(float)
        for place, site, factor in zip(places, self.sites, factors, strict=True):
            totals[place] += site.occupancy * factor
            errors[place] += site.occupancy_error * factor
        # Digits are cut: 0.0208 is 1 / 48.
        full = {p: abs(total - 1) <= errors[p] + 1e-6 for p, total in totals.items()}
        if any(total > FULL and not full[p] for p, total in totals.items()):
            return None
        scale = {p: 1 / total if full[p] else 1.0 for p, total in totals.items()}
        rows = zip(places, self.sites, factors, strict=True)
        occupancies = [site.occupancy * n * scale[p] for p, site, n in rows]
        return Populations(occupancies, all(full.values()), min(factors) == 1)


def expand_sites(
    sites: Sequence[Site], operations: Operations, lattice: Floats, max_atoms: int
) -> UnitCell:
    """Return the cell that operations make of some sites.

    The lattice is (3, 3) in Å, and `max_atoms` is the limit per lattice point. Raise
    RefusedError if the cell does not have the symmetry of the operations, or they make
    too many atoms.
    """
    if not operations.fits(lattice):
        text = ", ".join(f"{x:.4g}" for x in cell_of(lattice))
        raise RefusedError(
            Reason.BAD_CELL, f"{text} does not have the symmetry of the operations"
        )
    limit = max_atoms * operations.centring
    orbits: list[Floats] = []
    count = 0
    for site in sites:
        full = site.occupancy > 0.99
        orbits.append(operations.orbit(site.frac, site.errors, full, lattice))
        count += len(orbits[-1])
        if count > limit:
            raise RefusedError(
                Reason.TOO_MANY_ATOMS, f"more than {max_atoms}, of {len(sites)} sites"
            )
    return UnitCell(lattice, sites, orbits, len(operations.rotations))
