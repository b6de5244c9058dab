"""Synthetic crystals: random orbits of a given space group, confirmed by spglib.

A crystal is drawn the way a paper describes one: occupied special and general
positions, a composition, a cell of the group's crystal system. The atoms are spread
out, then the cell shrinks until the closest touch. Whatever spglib does not recognise
as the very group that was asked for is drawn again.

"Observed" stands for the experimentally known crystals of the Materials Project.
"""

import multiprocessing
import os
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, fields
from itertools import product
from pathlib import Path

import gemmi
import numpy as np
import periodictable
import spglib
import yaml
from numpy.random import Generator

from gromega.crystals.crystal import Crystal
from gromega.crystals.positions import Floats, Group, Integers, apply, load_group
from gromega.crystals.symmetry import LOOSE, STRICT

SpglibCell = tuple[Floats, Floats, Integers]

# spglib must find the group at both (Å): it is there, and no higher one is near.
SYMPRECS = (LOOSE, STRICT)
MAX_ATTEMPTS = 1000
# Atoms in the primitive cell: the median falls with the order of the point group,
# observed from about 30 in order 1 to about 8 in order 48.
MEDIAN_ATOMS, ORDER_EXPONENT, SPREAD_ATOMS = 38.0, -0.3, 0.75
MAX_ATOMS, MAX_ORBITS = 96, 40
# Shortest distance over the sum of covalent radii; observed: 0.78 to 1.02 in 90 %.
CLOSEST = (0.78, 0.98)
# Volume over the usual volume of the atoms; observed: 0.8 to 1.6 in 90 %.
ROOMINESS = (0.85, 1.5)
# The usual volume of an atom over its cubed radius, fitted to observed crystals.
ANION_VOLUME, CATION_VOLUME, METAL_VOLUME = 5.0, 3.0, 5.35
# Å from the covalent to the ionic radius of an anion (Pauling, The Nature of the
# Chemical Bond, 1960, tells of 0.8). It keeps anions apart from one another.
ANION_EXCESS = 0.75
# The part of crystals that have anions, and how often each is theirs, in per cent.
COMPOUNDS = 0.7
ANIONS = {8: 44, 16: 12, 9: 9, 17: 8, 34: 8, 7: 8, 52: 4, 35: 4, 53: 3}
METALS = (
    *(3, 11, 12, 19, 20, *range(21, 31), 37, 38, *range(39, 43), *range(44, 49)),
    *(55, 56, *range(57, 61), *range(62, 84), 90, 92),
)
RADII = np.array([periodictable.elements[z].covalent_radius or 0 for z in range(95)])
# A crystal has one metal of any size; what joins it is small, as in BaTiO3 or LaNi5.
SMALL = (
    *(z for z in METALS if RADII[z] < 1.65),
    *(5, 6, 13, 14, 15, *range(31, 34), *range(49, 52)),
)

CANDIDATES = 32
# Widths of the search for each orbit, in cells: anywhere, then nearer and nearer.
SEARCHES = (1.0, 0.2, 0.1)
# An orbit whose atoms are closer to others than this part of a contact is left out.
LEAST_ROOM = 0.68
NEIGHBOURS = np.array(list(product((-1.0, 0.0, 1.0), repeat=3)))
BATCH = 25


@dataclass(frozen=True)
class Recipe:
    """Which synthetic crystals to make: the content of ``data/synthetic.yaml``.

    Parameters
    ----------
    space_groups
        The space group numbers, 1 to 230, each once.
    crystals_per_group
        The number of crystals of each space group, at least 1.
    seed
        The seed of the random numbers, at least 0.

    Raises
    ------
    ValueError
        If a value is of another type or out of its range.
    """

    space_groups: tuple[int, ...]
    crystals_per_group: int
    seed: int

    def __post_init__(self) -> None:
        groups = self.space_groups
        if not isinstance(groups, tuple) or not groups:
            raise ValueError(f"space_groups must be a list of numbers, got {groups!r}.")
        for group in groups:
            _check_whole("every one of space_groups", group, 1, 230)
        repeated = sorted({group for group in groups if groups.count(group) > 1})
        if repeated:
            raise ValueError(f"space_groups must name each once, repeated: {repeated}.")
        _check_whole("crystals_per_group", self.crystals_per_group, 1)
        _check_whole("seed", self.seed, 0)

    @classmethod
    def from_yaml(cls, path: Path) -> "Recipe":
        """Read a recipe from a YAML file.

        Parameters
        ----------
        path
            The file: a mapping with exactly the fields of a recipe as keys.

        Returns
        -------
        Recipe
            The recipe.

        Raises
        ------
        ValueError
            If the file is no such mapping or a value is not as a recipe wants it.
        """
        wanted = [field.name for field in fields(cls)]
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            reason = " ".join(str(error).split())
            raise ValueError(f"{path} must be YAML: {reason}.") from error
        if not isinstance(content, dict) or set(content) != set(wanted):
            got = list(content) if isinstance(content, dict) else content
            raise ValueError(f"{path} must have exactly the keys {wanted}, got {got}.")
        if isinstance(content["space_groups"], list):
            content["space_groups"] = tuple(content["space_groups"])
        try:
            return cls(**content)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error


def _check_whole(name: str, value: object, low: int, high: int | None = None) -> None:
    # type, not isinstance: a bool is an int
    if type(value) is not int or value < low or (high is not None and value > high):
        wanted = f"of at least {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name} must be a whole number {wanted}, got {value!r}.")


def synthesize(
    recipe: Recipe,
    processes: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[tuple[Crystal, int]]:
    """Make the crystals of a recipe, the same ones with any number of processes.

    Parameters
    ----------
    recipe
        The space groups, the number of crystals of each, and the seed.
    processes
        The number of processes; one for each processor if left out.
    progress
        The function to call with the number of crystals finished since its last call.

    Returns
    -------
    list of (Crystal, int)
        The crystals with their space group numbers, in the order of
        ``recipe.space_groups``, then by index.

    Raises
    ------
    ValueError
        If a crystal cannot be made; another seed mends it.
    """
    n = recipe.crystals_per_group
    batches = [
        (space_group, recipe.seed, range(start, min(start + BATCH, n)))
        for space_group in recipe.space_groups
        for start in range(0, n, BATCH)
    ]
    processes = min(processes or os.cpu_count() or 1, len(batches))
    crystals: list[tuple[Crystal, int]] = []
    with ExitStack() as stack:
        made: Iterator[list[tuple[Crystal, int]]] = map(_batch, batches)
        if processes != 1:
            # A fork of a process that runs JAX can hang.
            context = multiprocessing.get_context("spawn")
            pool = ProcessPoolExecutor(processes, mp_context=context)
            made = stack.enter_context(pool).map(_batch, batches)
        for batch in made:
            crystals += batch
            if progress is not None:
                progress(len(batch))
    return crystals


def _batch(batch: tuple[int, int, range]) -> list[tuple[Crystal, int]]:
    space_group, seed, indices = batch
    return [(synthesize_one(space_group, seed, i), space_group) for i in indices]


def synthesize_one(space_group: int, seed: int, index: int) -> Crystal:
    """Make one crystal, the same one for the same three numbers.

    Parameters
    ----------
    space_group
        The space group number, 1 to 230.
    seed
        The seed of the random numbers, at least 0.
    index
        The number of the crystal within its space group, at least 0.

    Returns
    -------
    Crystal
        The crystal, of two to four elements, in a Niggli-reduced primitive cell.

    Raises
    ------
    ValueError
        If a number is out of its range.
    ValueError
        If no attempt has the space group.
    """
    _check_whole("space_group", space_group, 1, 230)
    rng = np.random.default_rng([seed, space_group, index])
    with warnings.catch_warnings():
        # spglib 2.8 warns at every call that errors will be raised some day.
        warnings.simplefilter("ignore", DeprecationWarning)
        misses = 0
        for _ in range(MAX_ATTEMPTS):
            drawn = _draw(rng, space_group, misses)
            if drawn is None:
                continue
            if all(_find_group(drawn, s) == space_group for s in SYMPRECS):
                name = f"syn-{space_group:03d}-{index:04d}"
                lattice, frac, numbers = drawn
                return Crystal(name, lattice, numbers, frac)
            misses += 1
    raise ValueError(
        f"no crystal of space group {space_group} in {MAX_ATTEMPTS} attempts with seed "
        f"{seed}, index {index}: choose another seed."
    )


def _find_group(cell: SpglibCell, symprec: float) -> int | None:
    # spglib declares lists and takes arrays.
    dataset = spglib.get_symmetry_dataset(cell, symprec=symprec)  # type: ignore[arg-type]
    return None if dataset is None else dataset.number


def _draw(rng: Generator, space_group: int, misses: int) -> SpglibCell | None:
    group = load_group(space_group)
    orbits = _choose_orbits(rng, group, misses)
    multiplicities, freedoms = group.kinds[orbits].T
    numbers, contacts, volumes = _choose_elements(rng, len(orbits))
    cell = _choose_cell(rng, group, multiplicities @ volumes, contacts.max())
    if cell is None:
        return None
    # Fixed atoms first, then the large ones: the others find room around them.
    order = np.lexsort((-volumes, freedoms))
    placed = _place(rng, group, orbits, order.tolist(), contacts, *cell)
    if len({numbers[k] for k in placed}) < 2:
        return None
    atoms = np.repeat(list(placed), [len(frac) for frac in placed.values()])
    lattice, _ = cell
    room = min(_room(placed[k][None], k, placed, contacts, lattice)[0] for k in placed)
    scale = rng.uniform(*CLOSEST) / room
    usual_volume = volumes[atoms].sum()
    roominess = abs(np.linalg.det(lattice)) * scale**3 / usual_volume
    if roominess > ROOMINESS[1]:
        return None
    scale *= np.cbrt(max(1.0, ROOMINESS[0] / roominess))
    frac = np.concatenate(list(placed.values()))
    # Rounding hides the last bits, in which machines differ; + 0.0 makes -0.0 0.0.
    return np.round(scale * lattice, 8) + 0.0, np.round(frac, 8) % 1.0, numbers[atoms]


def _choose_orbits(rng: Generator, group: Group, misses: int) -> Integers:
    """Return the kind of position of each occupied orbit, (n_orbits,)."""
    multiplicities, freedoms = group.kinds.T
    # As observed, most atoms have a free coordinate, few sit on the general position.
    # Groups such as 222 exist on hardly any other: each miss leads nearer to it.
    weights = (1.0 + freedoms) ** (1.5 + 0.2 * misses) / multiplicities
    median = MEDIAN_ATOMS * len(group.rotations) ** ORDER_EXPONENT * 1.1**misses
    atoms = min(rng.lognormal(np.log(median), SPREAD_ATOMS), MAX_ATOMS)
    atoms = max(atoms, 2 * multiplicities.min())
    orbits: list[int] = []
    # The first orbit leaves room for a second.
    fits = multiplicities <= atoms / 2
    while len(orbits) < MAX_ORBITS and fits.any():
        p = weights * fits
        orbits.append(rng.choice(len(p), p=p / p.sum()))
        atoms -= multiplicities[orbits[-1]]
        fits = multiplicities <= 1.2 * atoms
    return np.array(orbits)


def _choose_elements(rng: Generator, n_orbits: int) -> tuple[Integers, Floats, Floats]:
    """Return each orbit's element, the contacts of all pairs (Å), the volumes (Å³)."""
    n_elements = rng.choice([2, 3, 4], p=[0.3, 0.5, 0.2])
    is_anion = np.zeros(n_orbits, dtype=bool)
    n_anions = 0
    if rng.random() < COMPOUNDS:
        n_anions = 2 if n_elements > 2 and rng.random() < 0.15 else 1
        is_anion = rng.random(n_orbits) < rng.uniform(0.5, 0.8)
        is_anion[rng.permutation(n_orbits)[:2]] = [True, False]
    percentages = np.array(list(ANIONS.values())) / 100
    anions = rng.choice(list(ANIONS), n_anions, replace=False, p=percentages)
    metal = rng.choice(METALS)
    joining = [z for z in SMALL if z != metal]
    others = rng.choice(joining, n_elements - n_anions - 1, replace=False)
    numbers = np.empty(n_orbits, dtype=np.int64)
    numbers[is_anion] = np.resize(anions, is_anion.sum())
    numbers[~is_anion] = np.resize([metal, *others], (~is_anion).sum())
    radii = RADII[numbers]
    excess = ANION_EXCESS * is_anion
    contacts = radii[:, None] + radii + 2 * ANION_EXCESS * np.outer(is_anion, is_anion)
    cation_volume = CATION_VOLUME if n_anions else METAL_VOLUME
    factors = np.where(is_anion, ANION_VOLUME, cation_volume)
    return numbers, contacts, factors * (radii + excess) ** 3


def _choose_cell(
    rng: Generator, group: Group, volume: float, contact: float
) -> tuple[Floats, Floats] | None:
    """Return a reduced lattice (Å) and what takes primitive coordinates to it."""
    for _ in range(30):
        a, b, c = np.exp(rng.uniform(-0.7, 0.7, size=3))
        alpha = beta = gamma = 90.0
        if group.number <= 2:
            alpha, beta, gamma = rng.uniform(65, 115, size=3)
        elif group.number <= 15:
            beta = rng.uniform(91, 120)
        elif group.number >= 195:
            a = b = c
        elif group.number >= 75:
            b = a
        if 143 <= group.number <= 194:
            gamma = 120.0
        orthogonalization = gemmi.UnitCell(a, b, c, alpha, beta, gamma).orth.mat
        primitive = group.basis @ np.array(orthogonalization.tolist()).T
        primitive *= np.cbrt(volume / abs(np.linalg.det(primitive)))
        reduced = spglib.niggli_reduce(primitive)
        if reduced is None:
            continue
        basis = np.round(reduced @ np.linalg.inv(primitive))
        lattice = basis @ primitive
        if np.linalg.norm(lattice, axis=1).min() > 0.7 * contact:
            return lattice, np.linalg.inv(basis)
    return None


def _place(
    rng: Generator,
    group: Group,
    orbits: Integers,
    order: list[int],
    contacts: Floats,
    lattice: Floats,
    to_reduced: Floats,
) -> dict[int, Floats]:
    """Return the atoms of each orbit that finds room, (multiplicity, 3), reduced."""
    placed: dict[int, Floats] = {}
    chosen: dict[int, tuple[int, Floats]] = {}
    for width in SEARCHES:
        for k in order if width == 1 else list(placed):
            steps = width * (rng.random((CANDIDATES, 3)) - 0.5)
            if k in placed:
                steps[0] = 0.0
                position, starts = chosen[k]
                tried = np.full(CANDIDATES, position)
            else:
                tried = rng.choice(np.flatnonzero(group.kind == orbits[k]), CANDIDATES)
                starts = group.points[tried]
            points = starts + apply(group.projectors[tried], steps)
            images = group.images(tried, points) @ to_reduced
            room = _room(images, k, placed, contacts, lattice)
            # Rounding decides ties alike on all machines.
            best = int(np.argmax(np.round(room, 6)))
            if k in placed or room[best] > LEAST_ROOM:
                placed[k] = images[best]
                chosen[k] = int(tried[best]), points[best]
    return placed


def _room(
    images: Floats, k: int, placed: dict[int, Floats], contacts: Floats, lattice: Floats
) -> Floats:
    """Return the shortest distance over contact of (n, m, 3) orbits k, (n,)."""
    others = [j for j in placed if j != k]
    sizes = [images.shape[1] - 1, *(len(placed[j]) for j in others)]
    contact = np.repeat(contacts[k, [k, *others]], sizes)
    atoms = np.concatenate([np.empty((0, 3)), *(placed[j] for j in others)])
    atoms = np.broadcast_to(atoms, (len(images), *atoms.shape))
    atoms = np.concatenate([images[:, 1:], atoms], axis=1)
    distances = _nearest(atoms - images[:, :1], lattice)
    room = (distances / contact).min(axis=1, initial=np.inf)
    return np.minimum(room, np.linalg.norm(lattice, axis=1).min() / contacts[k, k])


def _nearest(difference: Floats, lattice: Floats) -> Floats:
    """Return the distances (Å) over the nearest images, in a reduced lattice."""
    metric = lattice @ lattice.T
    x = difference - np.round(difference)
    covariant = (x @ metric).reshape(-1, 3)
    squared_steps = ((NEIGHBOURS @ metric) * NEIGHBOURS).sum(axis=1, keepdims=True)
    # |x + s|² - |x|² for each neighbouring cell s
    gains = (2 * NEIGHBOURS @ covariant.T + squared_steps).min(axis=0)
    squares = (covariant * x.reshape(-1, 3)).sum(axis=1) + gains
    return np.sqrt(np.maximum(squares, 0)).reshape(x.shape[:-1])
