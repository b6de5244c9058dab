"""Synthetic crystals: random orbits of a given space group, confirmed by spglib.

A crystal is drawn the way a paper describes one: occupied special and general
positions, a composition, a cell of the group's crystal system, each as known crystals
have them (`gromega.crystals.generate.priors`). The atoms are spread out, then the cell
shrinks until the closest touch. Whatever spglib does not recognise as the very group
that was asked for is drawn again.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, fields
from pathlib import Path

import gemmi
import numpy as np
import spglib
import yaml
from numpy.random import Generator

from gromega._util.parallel import ordered_map
from gromega.crystals.crystal import Crystal
from gromega.crystals.generate.placement import place_orbits
from gromega.crystals.generate.priors import LEVELS, Priors, load_priors
from gromega.crystals.symmetry import LOOSE, STRICT, has_group
from gromega.crystals.table import new_table, to_table
from gromega.crystals.wyckoff import Floats, Integers, WyckoffGroup, load_group

Drawn = tuple[Floats, Floats, Integers]
Made = tuple[Crystal, int]

# spglib must find the group at both (Å): it is there, and no higher one is near.
SYMPRECS = (LOOSE, STRICT)
MAX_ATTEMPTS = 1000
# The part of the distribution of volumes that is drawn from: what lies outside is
# mostly wrong in the table. Of the shortest distances, the short ones.
COMMON, CLOSE = (0.05, 0.95), (0.05, 0.5)
# How much roomier than common a crystal may be.
LOOSEST = 1.15
BATCH = 25


@dataclass(frozen=True)
class SyntheticRecipe:
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

    @property
    def size(self) -> int:
        """The number of crystals in all."""
        return len(self.space_groups) * self.crystals_per_group

    @classmethod
    def from_yaml(cls, path: Path) -> "SyntheticRecipe":
        """Read a recipe from a YAML file.

        Parameters
        ----------
        path
            The file: a mapping with exactly the fields of a recipe as keys.

        Returns
        -------
        SyntheticRecipe
            The recipe.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is no such mapping or a value is not as a recipe wants it.
        """
        wanted = [field.name for field in fields(cls)]
        if not path.is_file():
            raise FileNotFoundError(f"{path}: there is no such file.")
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
    recipe: SyntheticRecipe, pool: Executor | None = None
) -> Iterator[list[Made]]:
    """Yield the crystals of a recipe, some at a time, the same ones with any pool.

    Parameters
    ----------
    recipe
        The space groups, the number of crystals of each, and the seed.
    pool
        The processes of `gromega._util.parallel.open_processes` that make them; this
        process if left out.

    Yields
    ------
    list of (Crystal, int)
        Crystals with their space group numbers, in the order of
        ``recipe.space_groups``, then by index.

    Raises
    ------
    ValueError
        If a crystal cannot be made; another seed mends it.
    """
    n = recipe.crystals_per_group
    batches = (
        (space_group, recipe.seed, range(start, min(start + BATCH, n)))
        for space_group in recipe.space_groups
        for start in range(0, n, BATCH)
    )
    yield from (
        map(_batch, batches) if pool is None else ordered_map(pool, _batch, batches)
    )


def _batch(batch: tuple[int, int, range]) -> list[Made]:
    space_group, seed, indices = batch
    return [(synthesize_one(space_group, seed, i), space_group) for i in indices]


def write_synthetic(
    path: Path,
    recipe: SyntheticRecipe,
    pool: Executor | None = None,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Write the table of the crystals of a recipe, see `gromega.crystals.table`.

    Parameters
    ----------
    path
        The parquet file to write.
    recipe, pool
        As in `synthesize`.
    progress
        Called with the number of crystals finished since the last call.
    """
    with new_table(path) as write:
        for made in synthesize(recipe, pool):
            crystals = [crystal for crystal, _ in made]
            write(to_table(crystals, [group for _, group in made], source="synthetic"))
            if progress:
                progress(len(made))


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
        The crystal, in a Niggli-reduced primitive cell.

    Raises
    ------
    ValueError
        If a number is out of its range.
    ValueError
        If no attempt has the space group.
    """
    _check_whole("space_group", space_group, 1, 230)
    rng = np.random.default_rng([seed, space_group, index])
    name, misses = f"syn-{space_group:03d}-{index:04d}", 0
    for _ in range(MAX_ATTEMPTS):
        drawn = _draw(rng, space_group, misses)
        if drawn is None:
            continue
        lattice, frac, numbers = drawn
        crystal = Crystal(name, lattice, numbers, frac)
        if all(has_group(crystal, space_group, s) for s in SYMPRECS):
            return crystal
        misses += 1
    raise ValueError(
        f"no crystal of space group {space_group} in {MAX_ATTEMPTS} attempts with seed "
        f"{seed}, index {index}: choose another seed."
    )


def _draw(rng: Generator, space_group: int, misses: int) -> Drawn | None:
    group, known = load_group(space_group), load_priors()
    orbits = known.draw_orbits(rng, group, misses)
    multiplicities, freedoms = group.multiplicities[orbits], group.freedoms[orbits]
    kinds = known.draw_elements(rng, multiplicities)
    # Fixed atoms first, then the large ones: the others find room around them.
    order = np.lexsort((-known.volumes[kinds], freedoms))
    orbits, kinds = orbits[order], kinds[order]
    contacts = known.contacts[np.ix_(kinds, kinds)]
    volume = float(group.multiplicities[orbits] @ known.volumes[kinds])
    cell = _choose_cell(rng, group, known, volume)
    if cell is None:
        return None
    placed, room = place_orbits(rng, group, orbits, contacts, *cell)
    if len({kinds[k] for k in placed}) < min(2, np.unique(kinds).size):
        return None
    atoms = kinds[np.repeat(list(placed), [len(frac) for frac in placed.values()])]
    lattice, _ = cell
    usual_volume = known.volumes[atoms].sum()
    # As dense as known crystals, unless atoms come too close.
    roominess = np.interp(rng.uniform(*COMMON), LEVELS, known.roominess)
    closest = np.interp(rng.uniform(*CLOSE), LEVELS, known.closest)
    scale = np.cbrt(roominess * usual_volume / abs(np.linalg.det(lattice)))
    scale = max(scale, closest / room)
    roominess = abs(np.linalg.det(lattice)) * scale**3 / usual_volume
    if roominess > LOOSEST * np.interp(COMMON[1], LEVELS, known.roominess):
        return None
    frac = np.concatenate(list(placed.values()))
    # Rounding hides the last bits, in which machines differ; + 0.0 makes -0.0 0.0.
    frac = np.round(frac, 8) % 1.0
    return np.round(scale * lattice, 8) + 0.0, frac, known.elements[atoms]


def _choose_cell(
    rng: Generator, group: WyckoffGroup, known: Priors, volume: float
) -> tuple[Floats, Floats] | None:
    """Return a reduced lattice (Å) and what takes primitive coordinates to it."""
    shape = known.draw_shape(rng, group.number)
    orthogonalization = gemmi.UnitCell(*shape).orth.mat
    primitive = group.basis @ np.array(orthogonalization.tolist()).T
    primitive *= np.cbrt(volume / abs(np.linalg.det(primitive)))
    reduced = spglib.niggli_reduce(primitive)
    if reduced is None:
        return None
    basis = np.round(reduced @ np.linalg.inv(primitive))
    return basis @ primitive, np.linalg.inv(basis)
