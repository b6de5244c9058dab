"""Synthetic crystals: random orbits of a given space group, confirmed by spglib.

The Wyckoff positions, the composition and the cell are drawn from the distributions of
known crystals (`gromega.crystals.generate.priors`). The atoms are spread out, then the
cell shrinks until the closest atoms touch. A crystal in which spglib finds another
space group is drawn again.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from pathlib import Path

import gemmi
import numpy as np
import spglib
from numpy.random import Generator

from gromega._util.parallel import ordered_map
from gromega.crystals.crystal import Crystal
from gromega.crystals.generate.placement import place_orbits
from gromega.crystals.generate.priors import LEVELS, Priors, load_priors
from gromega.crystals.generate.recipe import SyntheticRecipe, check_whole
from gromega.crystals.symmetry import LOOSE, has_group
from gromega.crystals.table import new_table, to_table
from gromega.crystals.wyckoff import Floats, Integers, WyckoffGroup, load_group

Drawn = tuple[Floats, Floats, Integers]
Made = tuple[Crystal, int]

MAX_ATTEMPTS = 1000
# The quantiles between which volumes are drawn: entries outside are mostly errors of
# the database. Shortest distances are drawn from the lower half.
COMMON, CLOSE = (0.05, 0.95), (0.05, 0.5)
# The largest volume, relative to the largest common one.
LOOSEST = 1.15
BATCH = 25


def synthesize(
    recipe: SyntheticRecipe, pool: Executor | None = None
) -> Iterator[list[Made]]:
    """Yield the crystals of a recipe in batches, the same ones with any pool.

    Crystals come with their space group numbers, in the order of
    ``recipe.space_groups``, then by index. The default pool is this process. Raise
    ValueError if a crystal cannot be made with this seed.
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
    """Write the crystals of a recipe to a table, see `synthesize`.

    `progress` is called with the number of crystals finished since the last call.
    """
    with new_table(path) as write:
        for made in synthesize(recipe, pool):
            crystals, groups = zip(*made, strict=True)
            write(to_table(crystals, groups, source="synthetic"))
            if progress:
                progress(len(made))


def synthesize_one(space_group: int, seed: int, index: int) -> Crystal:
    """Make a crystal in a Niggli-reduced primitive cell, the same for the same numbers.

    Raise ValueError if the space group is outside 1 to 230, or no attempt has it.
    """
    check_whole("space_group", space_group, 1, 230)
    rng = np.random.default_rng([seed, space_group, index])
    name, misses = f"syn-{space_group:03d}-{index:04d}", 0
    for _ in range(MAX_ATTEMPTS):
        drawn = _draw(rng, space_group, misses)
        if drawn is None:
            continue
        lattice, frac, numbers = drawn
        crystal = Crystal(name, lattice, numbers, frac)
        # No higher symmetry is near. At a strict tolerance, the group is then the same:
        # the crystal has its operations.
        if has_group(crystal, space_group, LOOSE):
            return crystal
        misses += 1
    raise ValueError(
        f"no crystal of space group {space_group} in {MAX_ATTEMPTS} attempts with seed "
        f"{seed}, index {index}; choose another seed."
    )


def _draw(rng: Generator, space_group: int, misses: int) -> Drawn | None:
    group, priors = load_group(space_group), load_priors()
    orbits = priors.draw_orbits(rng, group, misses)
    multiplicities, freedoms = group.multiplicities[orbits], group.freedoms[orbits]
    kinds = priors.draw_elements(rng, multiplicities)
    # Fixed atoms first, then large ones: small ones fit in between.
    order = np.lexsort((-priors.volumes[kinds], freedoms))
    orbits, kinds = orbits[order], kinds[order]
    contacts = priors.contacts[np.ix_(kinds, kinds)]
    volume = float(group.multiplicities[orbits] @ priors.volumes[kinds])
    cell = _choose_cell(rng, group, priors, volume)
    if cell is None:
        return None
    placed, room = place_orbits(rng, group, orbits, contacts, *cell)
    if len({kinds[k] for k in placed}) < min(2, np.unique(kinds).size):
        return None
    atoms = kinds[np.repeat(list(placed), [len(frac) for frac in placed.values()])]
    lattice, _ = cell
    usual_volume = priors.volumes[atoms].sum()
    # As dense as known crystals are, unless atoms come too close.
    roominess = np.interp(rng.uniform(*COMMON), LEVELS, priors.roominess)
    closest = np.interp(rng.uniform(*CLOSE), LEVELS, priors.closest)
    scale = np.cbrt(roominess * usual_volume / abs(np.linalg.det(lattice)))
    scale = max(scale, closest / room)
    roominess = abs(np.linalg.det(lattice)) * scale**3 / usual_volume
    if roominess > LOOSEST * np.interp(COMMON[1], LEVELS, priors.roominess):
        return None
    frac = np.concatenate(list(placed.values()))
    # Rounding hides the last bits, in which machines differ; + 0.0 makes -0.0 0.0.
    frac = np.round(frac, 8) % 1.0
    return np.round(scale * lattice, 8) + 0.0, frac, priors.elements[atoms]


def _choose_cell(
    rng: Generator, group: WyckoffGroup, priors: Priors, volume: float
) -> tuple[Floats, Floats] | None:
    """Return a reduced lattice (Å), and the matrix to its fractional coordinates."""
    shape = priors.draw_shape(rng, group.number)
    orthogonalization = gemmi.UnitCell(*shape).orth.mat
    primitive = group.basis @ np.array(orthogonalization.tolist()).T
    primitive *= np.cbrt(volume / abs(np.linalg.det(primitive)))
    reduced = spglib.niggli_reduce(primitive)
    if reduced is None:
        return None
    basis = np.round(reduced @ np.linalg.inv(primitive))
    return basis @ primitive, np.linalg.inv(basis)
