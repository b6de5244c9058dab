"""Priors: distributions of known crystals, from which synthetic ones are drawn.

``tools/fit_priors.py`` fits ``priors.json`` to experimentally known crystals of the
Materials Project.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gromega.crystals.wyckoff import Floats, Integers, WyckoffGroup

LEVELS = np.linspace(0.0, 1.0, 21)
# A group with fewer known crystals than this uses the distribution of all groups.
ENOUGH = 30
# Atoms in the primitive cell of all groups: the median falls with the order of the
# point group, from about 30 in order 1 to about 8 in order 48.
MEDIAN_ATOMS, ORDER_EXPONENT, SPREAD_ATOMS = 38.0, -0.3, 0.75
MAX_ATOMS, MAX_ORBITS = 96, 40


@dataclass(frozen=True)
class Priors:
    """Distributions over n_elements elements, with quantiles at `LEVELS`."""

    # The number of crystals of each space group, the quantiles of the number of atoms
    # in the primitive cell, and the number of orbits on each Wyckoff letter.
    groups: dict[str, Any]
    # The quantiles of log b/a, log c/a, and the angles in degrees, for each crystal
    # system, by its last space group.
    shapes: dict[int, Floats]
    elements: Integers  # atomic numbers
    frequencies: Floats  # the number of crystals that contain each element
    # The number of crystals that contain two elements over that expected by chance.
    affinities: Floats
    # The mean share of an element among the atoms of its crystals, times their number
    # of elements.
    shares: Floats
    volumes: Floats  # of an atom of each element in Å³
    # The contact distance of two elements in Å: the lower quartile of the shortest
    # distances between them.
    contacts: Floats
    n_elements: Floats  # the probabilities of 1, 2, ... elements
    closest: Floats  # quantiles of the shortest distance over the contact distance
    roominess: Floats  # quantiles of the volume of the cell over that of its atoms

    def draw_orbits(self, rng: Generator, group: WyckoffGroup, misses: int) -> Integers:
        """Return the Wyckoff position of each orbit, (n_orbits,).

        Each miss, a drawn crystal of higher symmetry, favours positions with more free
        coordinates.
        """
        known = self.groups[str(group.number)]
        counts = np.array([known["orbits"].get(x, 0) for x in group.letters], float)
        # In known crystals most atoms have a free coordinate, few the general position.
        usual = (1.0 + group.freedoms) ** 1.5 / group.multiplicities
        weights = counts + max(0.02 * counts.sum(), 3.0) * usual / usual.sum()
        weights *= (1.0 + group.freedoms) ** (0.2 * misses)
        if known["crystals"] < ENOUGH:
            median = MEDIAN_ATOMS * len(group.rotations) ** ORDER_EXPONENT
            atoms = rng.lognormal(np.log(median), SPREAD_ATOMS)
        else:
            atoms = np.interp(rng.random(), LEVELS, known["atoms"])
        atoms = min(atoms * 1.1**misses, MAX_ATOMS)
        atoms = max(atoms, 2 * group.multiplicities.min())
        orbits: list[int] = []
        # The first orbit leaves room for a second.
        fits = group.multiplicities <= atoms / 2
        while len(orbits) < MAX_ORBITS and fits.any():
            p = weights * fits
            k = rng.choice(len(p), p=p / p.sum())
            orbits.append(k)
            atoms -= group.multiplicities[k]
            if group.freedoms[k] == 0:
                weights[k] = 0.0
            fits = (group.multiplicities <= 1.2 * atoms) & (weights > 0)
        return np.array(orbits)

    def draw_elements(self, rng: Generator, multiplicities: Integers) -> Integers:
        """Return the element of each orbit, an index of `elements`, (n_orbits,)."""
        n_orbits = len(multiplicities)
        n = 1 + rng.choice(len(self.n_elements), p=self.n_elements)
        n = min(n, n_orbits)
        weights = self.frequencies.copy()
        chosen: list[int] = []
        while len(chosen) < n:
            chosen.append(rng.choice(len(weights), p=weights / weights.sum()))
            weights *= self.affinities[chosen[-1]]
            weights[chosen[-1]] = 0.0
        shares = self.shares[chosen]
        # Each element has an orbit. Abundant elements tend to have the large ones.
        many = np.argsort(-shares * rng.lognormal(0.0, 0.5, n))
        large = np.argsort(-multiplicities * rng.lognormal(0.0, 0.5, n_orbits))
        kinds = rng.choice(n, n_orbits, p=shares / shares.sum())
        kinds[large[:n]] = many
        return np.array(chosen)[kinds]

    def draw_shape(self, rng: Generator, group: int) -> list[float]:
        """Return a, b, c with a = 1, and the angles in degrees."""
        system = next(end for end in self.shapes if group <= end)
        values = [np.interp(rng.random(), LEVELS, q) for q in self.shapes[system]]
        return [1.0, *np.exp(values[:2]).tolist(), *values[2:]]


@cache
def load_priors() -> Priors:
    """Return the distributions of known crystals."""
    path = resources.files("gromega.crystals.generate") / "priors.json"
    content = json.loads(path.read_text("utf-8"))
    frequencies = np.array(content["crystals_of_element"], float)
    n = frequencies.size
    volumes = np.array(content["volume_of_element"])
    together = _symmetric(content["crystals_of_pair"], n, -1)
    total = sum(content["number_of_elements"])
    by_chance = np.outer(frequencies, frequencies) / total
    # An unknown pair is rare, not impossible.
    affinities = (together + 0.5) / (by_chance + 0.5)
    contacts = _symmetric(content["contact_of_pair"], n, 0)
    radii = np.cbrt(3 * volumes / (4 * np.pi))
    spheres = 0.95 * (radii[:, None] + radii)
    return Priors(
        groups=content["groups"],
        shapes={int(k): np.array(v) for k, v in content["shapes"].items()},
        elements=np.array(content["elements"]),
        frequencies=frequencies,
        affinities=affinities,
        shares=np.array(content["share_of_element"]),
        volumes=volumes,
        contacts=np.where(contacts > 0, contacts, spheres),
        n_elements=np.array(content["number_of_elements"]) / total,
        closest=np.array(content["closest"]),
        roominess=np.array(content["roominess"]),
    )


def _symmetric(rows: list[list[float]], n: int, diagonal: int) -> NDArray[np.float64]:
    """Return a symmetric matrix from its rows below the diagonal."""
    matrix = np.zeros((n, n))
    matrix[np.tril_indices(n, diagonal)] = np.concatenate(rows)
    return np.maximum(matrix, matrix.T)
