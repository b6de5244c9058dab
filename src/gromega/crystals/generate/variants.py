"""Variants: other crystals of the same space group, made from a known crystal.

The space group stays the same if different elements stay different, the cell changes
within its crystal system, and atoms move only along the free coordinates of their
sites.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gromega.crystals.crystal import MAX_Z, Crystal
from gromega.crystals.generate.priors import load_priors
from gromega.crystals.generate.templates import Template
from gromega.crystals.uiso import uiso_by_element


@dataclass(frozen=True)
class Changes:
    """How far variants differ from their crystal."""

    # The share of variants that keep their elements. Of the others, half replace all
    # elements, and half replace each element with a probability of one half.
    keep: float = 0.5
    # The share of variants with new elements in which each orbit is treated as an
    # element of its own, so that the structure type may change.
    orbits: float = 0.0
    # The standard deviations of the logarithm of the size, and of the components of the
    # strain before it is averaged over the operations.
    scale: float = 0.03
    strain: float = 0.015
    # The largest standard deviation of displacements along each axis, in Å, before they
    # are averaged over the operations. Each variant draws its own.
    displacement: float = 0.08
    # The largest excess of the Uiso of an element, in Å². It is drawn for each element
    # in half of the variants.
    uiso: float = 0.003
    # The share of variants that are simulated with the other radiation: neutrons, where
    # the reference is x-rays.
    other_radiation: float = 0.1
    # The largest Q in Å⁻¹ of the x-ray form factors f(Q), in place of f(0), of half of
    # the variants. A constant f(4 Å⁻¹) halves the error of G(r) by f(0).
    q: float = 0.0


def vary(source: Template, changes: Changes, generator: Generator) -> Crystal:
    """Return a variant: another crystal of the same space group."""
    crystal = source.crystal
    numbers, growth = _substitute(source, changes, generator)
    size = np.cbrt(growth) * np.exp(changes.scale * generator.standard_normal())
    lattice = crystal.lattice * size
    if source.rotations.size and changes.strain:
        lattice = lattice @ (np.eye(3) + _strain(source, changes.strain, generator))
    frac = crystal.frac
    if source.origins.size and changes.displacement:
        spread = changes.displacement * generator.random()
        shifts = spread * generator.standard_normal(frac.shape)
        frac = frac + source.symmetrise(shifts @ np.linalg.inv(lattice))
    masses = np.where(numbers == crystal.numbers, crystal.masses, 0)
    return Crystal(crystal.id, lattice, numbers, frac, crystal.occupancy, masses)


def keeps_type(variant: Crystal, source: Template) -> bool:
    """Return whether a variant has the structure type of its crystal.

    It does unless orbits of one element have become different elements.
    """
    return np.unique(source.crystal.numbers).size == np.unique(variant.numbers).size


def vary_uiso(
    crystal: Crystal, changes: Changes, generator: Generator
) -> NDArray[np.float64]:
    """Return the excess of each atom's Uiso over the smallest, (n_atoms,), in Å²."""
    if not changes.uiso or generator.random() < 0.5:
        return np.zeros(crystal.numbers.size)
    return uiso_by_element(crystal, changes.uiso, generator)


def vary_q(changes: Changes, generator: Generator) -> float:
    """Return the Q in Å⁻¹ of the form factors of a variant."""
    if not changes.q or generator.random() < 0.5:
        return 0.0
    return changes.q * generator.random()


def _strain(source: Template, size: float, generator: Generator) -> NDArray[np.float64]:
    """Return a symmetric strain, (3, 3), that the crystal system allows.

    With the cell vectors as rows of L, x' = R x turns Cartesian row vectors by
    Q = L⁻¹ Rᵀ L. The mean of Qᵀ ε Q over all R is invariant under each of them.
    """
    tensor = size * generator.standard_normal((3, 3))
    tensor = (tensor + tensor.T) / 2.0
    lattice = source.crystal.lattice
    turns = np.linalg.inv(lattice) @ source.rotations.transpose(0, 2, 1) @ lattice
    mean: NDArray[np.float64] = (turns.transpose(0, 2, 1) @ tensor @ turns).mean(axis=0)
    return mean


@cache
def _usual_volumes() -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the elements, and the volume of an atom by atomic number, in Å³."""
    priors = load_priors()
    volumes = np.full(MAX_Z + 1, np.median(priors.volumes))
    volumes[priors.elements] = priors.volumes
    return np.asarray(priors.elements, np.int64), volumes


def _substitute(
    source: Template, changes: Changes, generator: Generator
) -> tuple[NDArray[np.int64], float]:
    """Return new atomic numbers, and the factor by which the atoms' volume grows.

    Symmetry-equivalent atoms stay equal, and different elements stay different: no
    operation is lost, and none is gained.
    """
    crystal = source.crystal
    if generator.random() < changes.keep:
        return crystal.numbers, 1.0
    elements, volumes = _usual_volumes()
    kinds = crystal.numbers
    if changes.orbits and generator.random() < changes.orbits:
        kinds = kinds + (MAX_Z + 1) * source.orbits.astype(np.int64)
    own, kind_of_atom = np.unique(kinds, return_inverse=True)
    own %= MAX_Z + 1
    replaced = generator.random(own.size) < (1.0 if generator.random() < 0.5 else 0.5)
    # There may be more orbits than unused elements.
    replaced &= np.cumsum(replaced) <= elements.size - np.unique(own).size
    unused = np.setdiff1d(elements, own[~replaced])
    new = own.copy()
    new[replaced] = generator.choice(unused, int(replaced.sum()), replace=False)
    numbers = new[kind_of_atom]
    before = volumes[crystal.numbers] @ crystal.occupancy
    return numbers, float(volumes[numbers] @ crystal.occupancy / before)
