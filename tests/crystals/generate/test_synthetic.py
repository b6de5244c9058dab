"""Synthetic crystals: their symmetry, their distances, the same ones every time."""

from collections import Counter
from itertools import chain, product
from pathlib import Path

import numpy as np
import periodictable
import pytest
import spglib

from gromega._util.parallel import open_processes
from gromega.crystals.crystal import Crystal
from gromega.crystals.generate import synthetic
from gromega.crystals.generate.recipe import SyntheticRecipe
from gromega.crystals.generate.synthetic import (
    synthesize,
    synthesize_one,
    write_synthetic,
)
from gromega.crystals.table import read_table

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:spglib")


def symmetry(crystal: Crystal, symprec: float = 0.01) -> spglib.SpglibDataset:
    cell = (crystal.lattice.tolist(), crystal.frac.tolist(), crystal.numbers.tolist())
    dataset = spglib.get_symmetry_dataset(cell, symprec=symprec)
    assert dataset is not None
    return dataset


def content(crystals: list[tuple[Crystal, int]]) -> list[tuple[object, ...]]:
    return [
        (c.id, group, c.lattice.tobytes(), c.numbers.tobytes(), c.frac.tobytes())
        for c, group in crystals
    ]


@pytest.mark.parametrize("symprec", [0.01, 0.1])
@pytest.mark.parametrize(
    "space_group",
    [
        # triclinic, without and with inversion: found again
        *(1, 2),
        # monoclinic, primitive and base-centred: found again
        *(14, 12),
        # orthorhombic, P, C, A, F and I: found again
        *(62, 63, 38, 70, 71),
        # tetragonal, P and I, and a screw axis of one hand: found again
        *(129, 139, 76),
        # trigonal, P, R in hexagonal axes, and a screw axis of one hand: found again
        *(164, 167, 154),
        # hexagonal, without and with mirrors: found again
        *(177, 194),
        # cubic, P, F and I, two origins, and the glides of 230: found again
        *(198, 221, 225, 227, 230),
        # cubic, where special positions alone make 229 of it: found again
        222,
    ],
)
def test_spglib_finds_the_group_asked_for(space_group: int, symprec: float) -> None:
    crystal = synthesize_one(space_group, seed=0, index=0)
    assert symmetry(crystal, symprec).number == space_group


@pytest.mark.parametrize(
    "space_group",
    [
        # base-centred, face-centred, body-centred, rhombohedral: no centring is left
        *(12, 225, 139, 166),
    ],
)
def test_the_cell_is_primitive(space_group: int) -> None:
    crystal = synthesize_one(space_group, seed=0, index=1)
    primitive_atoms = set(symmetry(crystal).mapping_to_primitive)
    assert len(primitive_atoms) == len(crystal.numbers)


@pytest.mark.parametrize(
    "space_group",
    [
        # a compact and a skewed primitive cell, few and many atoms: 0.75 at least
        *(1, 14, 12, 166, 194, 225),
    ],
)
def test_no_atoms_are_closer_than_three_quarters_of_a_bond(space_group: int) -> None:
    crystal = synthesize_one(space_group, seed=0, index=2)
    images = np.array(list(product(range(-2, 3), repeat=3)))
    frac = crystal.frac[:, None, None] - crystal.frac[None, :, None] + images
    distances = np.linalg.norm(frac @ crystal.lattice, axis=-1)
    distances[distances < 1e-9] = np.inf
    radius = np.array(
        [periodictable.elements[int(z)].covalent_radius for z in crystal.numbers]
    )
    assert (distances.min(axis=-1) / (radius[:, None] + radius)).min() > 0.75


def test_crystals_resemble_inorganic_ones() -> None:
    crystals = [synthesize_one(group, 3, i) for group in (2, 62, 166) for i in range(8)]
    assert {len(set(c.numbers)) for c in crystals} <= {2, 3, 4}
    assert max(c.numbers.max() for c in crystals) <= 94
    assert 8 <= np.median([len(c.numbers) for c in crystals]) <= 40
    assert 10 <= np.median([1 / c.density for c in crystals]) <= 30


@pytest.mark.parametrize(
    ("space_group", "general"),
    [
        # mirrors and inversion centres beside a general position of 8: both occupied
        (62, 8),
        # inversion centres beside a general position of 2: both occupied
        (2, 2),
    ],
)
def test_special_and_general_positions_are_occupied(
    space_group: int, general: int
) -> None:
    multiplicities: set[int] = set()
    for index in range(12):
        orbits = symmetry(synthesize_one(space_group, 0, index)).crystallographic_orbits
        multiplicities |= set(Counter(orbits.tolist()).values())
    assert general in multiplicities
    assert min(multiplicities) < general


def test_high_symmetry_does_not_mean_many_atoms() -> None:
    # The general position of 225 alone has 48 atoms in the primitive cell.
    sizes = [len(synthesize_one(225, 0, index).numbers) for index in range(6)]
    assert np.median(sizes) < 48


def test_two_processes_make_what_one_makes() -> None:
    recipe = SyntheticRecipe((14, 225), crystals_per_group=3, seed=7)
    alone = list(chain.from_iterable(synthesize(recipe)))
    with open_processes() as pool:
        assert content(list(chain(*synthesize(recipe, pool)))) == content(alone)


def test_crystals_come_by_group_then_index() -> None:
    crystals = list(
        chain.from_iterable(synthesize(SyntheticRecipe((225, 14), 2, seed=0)))
    )
    assert [crystal.id for crystal, _ in crystals] == [
        "syn-225-0000",
        "syn-225-0001",
        "syn-014-0000",
        "syn-014-0001",
    ]
    assert [group for _, group in crystals] == [225, 225, 14, 14]


def test_a_crystal_does_not_depend_on_those_before_it() -> None:
    alone = synthesize_one(62, seed=5, index=1)
    in_line = list(
        chain.from_iterable(synthesize(SyntheticRecipe((61, 62), 2, seed=5)))
    )[3]
    assert content([(alone, 62)]) == content([in_line])


@pytest.mark.parametrize(
    ("seed", "index"),
    [
        # another seed: another crystal
        (1, 0),
        # another index: another crystal
        (0, 1),
    ],
)
def test_crystals_differ(seed: int, index: int) -> None:
    first, other = synthesize_one(62, 0, 0), synthesize_one(62, seed, index)
    assert not np.array_equal(first.lattice, other.lattice)


def test_crystals_that_spglib_cannot_read_are_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spglib, "get_symmetry_dataset", lambda *_, **__: None)
    monkeypatch.setattr(synthetic, "MAX_ATTEMPTS", 10)
    with pytest.raises(ValueError, match="space group 62 in 10"):
        synthesize_one(62, 0, 0)


def test_table_of_a_recipe_says_where_it_comes_from(tmp_path: Path) -> None:
    steps: list[int] = []
    path = tmp_path / "made.parquet"
    write_synthetic(path, SyntheticRecipe((14, 225), 2, seed=0), progress=steps.append)
    table = read_table(path)
    assert table["space_group"].to_pylist() == [14, 14, 225, 225]
    assert table["source"].to_pylist() == ["synthetic"] * 4
    assert sum(steps) == 4
