from dataclasses import replace

import numpy as np
import pytest

from gromega.crystals.crystal import Crystal
from gromega.crystals.generate.recipe import SyntheticRecipe
from gromega.crystals.generate.synthetic import synthesize
from gromega.crystals.generate.templates import template
from gromega.crystals.generate.variants import (
    Changes,
    _usual_volumes,
    keeps_type,
    vary,
    vary_q,
    vary_uiso,
)
from gromega.crystals.symmetry import space_group

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:spglib")

# One of each crystal system and some with much freedom.
GROUPS = (2, 14, 15, 33, 62, 122, 148, 167, 176, 186, 198, 217, 225)


@pytest.fixture(scope="module")
def crystals():
    """Two crystals of each of some space groups, in the order of the groups."""
    made = [one for some in synthesize(SyntheticRecipe(GROUPS, 2, 0)) for one in some]
    return [crystal for crystal, _ in made], [group for _, group in made]


@pytest.mark.parametrize("orbits", [0.0, 1.0])
def test_variants_keep_the_space_group(crystals, orbits):
    generator = np.random.default_rng(0)
    # large enough to tell from the tolerance of 0.01 Å, and no atom near another
    changes = Changes(keep=0.0, orbits=orbits, displacement=0.05, strain=0.02)
    kept = 0
    for crystal, group in zip(*crystals, strict=True):
        for _ in range(4):
            variant = vary(template(crystal), changes, generator)
            assert not np.array_equal(variant.lattice, crystal.lattice)
            kept += space_group(variant) == group
    # once in a while chance brings a variant near a higher symmetry
    assert kept >= 0.97 * 4 * len(crystals[0])


def test_fixed_atoms_stay_and_free_ones_move(classics):
    generator = np.random.default_rng(1)
    changes = Changes(keep=1.0, scale=0.0, strain=0.0, displacement=0.1)
    salt = next(crystal for crystal in classics if crystal.id == "rock salt")
    np.testing.assert_array_equal(
        vary(template(salt), changes, generator).frac, salt.frac
    )
    rutile = next(crystal for crystal in classics if "rutile" in crystal.id)
    moved = vary(template(rutile), changes, generator).frac - rutile.frac
    still = rutile.numbers == 22
    assert np.abs(moved[still]).max() < 1e-9
    # oxygen has one free coordinate, x = y: in size all move alike
    oxygen = np.abs(moved[~still])
    assert oxygen.max() > 1e-4
    np.testing.assert_allclose(oxygen[:, :2], oxygen.max(), atol=1e-9)
    np.testing.assert_allclose(oxygen[:, 2], 0, atol=1e-9)


def test_strain_keeps_the_crystal_system(classics):
    generator = np.random.default_rng(2)
    changes = Changes(keep=1.0, scale=0.0, strain=0.05, displacement=0.0)
    nickel = next(crystal for crystal in classics if crystal.id == "nickel")
    lattice = vary(template(nickel), changes, generator).lattice
    ratio = lattice @ np.linalg.inv(nickel.lattice)
    np.testing.assert_allclose(ratio, ratio[0, 0] * np.eye(3), atol=1e-9)
    assert abs(ratio[0, 0] - 1) > 1e-4


def test_different_elements_stay_different_and_size_follows_them(classics):
    generator = np.random.default_rng(3)
    changes = Changes(keep=0.0, scale=0.0, strain=0.0, displacement=0.0)
    seen = set()
    for crystal in classics * 5:
        variant = vary(template(crystal), changes, generator)
        assert np.unique(variant.numbers).size == np.unique(crystal.numbers).size
        pairs = set(
            zip(crystal.numbers.tolist(), variant.numbers.tolist(), strict=True)
        )
        assert len(pairs) == np.unique(crystal.numbers).size
        seen.update(variant.numbers.tolist())
    assert len(seen) > 40
    nickel = next(crystal for crystal in classics if crystal.id == "nickel")
    caesium = Crystal("Cs", nickel.lattice, [55] * nickel.numbers.size, nickel.frac)
    variants = [vary(template(caesium), changes, generator) for _ in range(40)]
    changed = [variant for variant in variants if variant.numbers[0] != 55]
    assert len(changed) > 20
    assert np.mean([variant.volume < caesium.volume for variant in changed]) > 0.9


def test_a_cell_grows_by_what_its_sites_hold(classics):
    # an element that fills a site by a tenth counts as a tenth of an atom
    generator = np.random.default_rng(9)
    changes = Changes(keep=0.0, scale=0.0, strain=0.0, displacement=0.0)
    salt = next(crystal for crystal in classics if crystal.id == "rock salt")
    full = template(salt)
    thin = template(replace(salt, occupancy=np.where(salt.numbers == 11, 0.1, 1.0)))
    volumes = _usual_volumes()[1]
    for source in (full, thin) * 20:
        variant = vary(source, changes, generator)
        held = [
            volumes[numbers] @ source.crystal.occupancy
            for numbers in (source.crystal.numbers, variant.numbers)
        ]
        grown = variant.volume / source.crystal.volume
        assert grown == pytest.approx(held[1] / held[0], rel=1e-6)


def test_orbits_of_one_element_may_become_different_ones(classics):
    generator = np.random.default_rng(6)
    changes = Changes(keep=0.0, orbits=1.0, scale=0.0, strain=0.0, displacement=0.0)
    corundum = next(c for c in classics if "corundum" in c.id)
    # aluminium alone in both of its orbits: titanium and oxygen of rutile would do
    mixed = Crystal(
        "alike", corundum.lattice, [13] * corundum.numbers.size, corundum.frac
    )
    source = template(mixed)
    assert np.unique(source.orbits).size == 2
    seen = [vary(source, changes, generator) for _ in range(40)]
    split = [variant for variant in seen if np.unique(variant.numbers).size == 2]
    assert len(split) > 20
    for variant in seen:
        assert keeps_type(variant, source) == (np.unique(variant.numbers).size == 1)
        for orbit in np.unique(source.orbits):
            assert np.ptp(variant.numbers[source.orbits == orbit]) == 0


def test_more_orbits_than_elements_leave_some_as_they_are():
    generator = np.random.default_rng(7)
    frac = np.random.default_rng(8).random((120, 3))
    many = template(Crystal("P1", 20 * np.eye(3), [6] * 60 + [8] * 60, frac))
    assert np.unique(many.orbits).size == 120
    variant = vary(many, Changes(keep=0.0, orbits=1.0), generator)
    kinds = set(zip(many.crystal.numbers, variant.numbers, strict=True))
    new = [number for _, number in kinds if number not in (6, 8)]
    assert len(new) == len(set(new)) > 20


def test_excess_of_uiso_is_one_value_per_element(classics):
    generator = np.random.default_rng(4)
    changes = Changes(uiso=0.01)
    salt = next(crystal for crystal in classics if crystal.id == "rock salt")
    drawn = [vary_uiso(salt, changes, generator) for _ in range(40)]
    assert 5 < sum(not excess.any() for excess in drawn) < 35
    for excess in drawn:
        assert excess.min() == 0
        assert excess.max() < 0.01
        for number in np.unique(salt.numbers):
            assert np.ptp(excess[salt.numbers == number]) == 0


def test_without_symmetry_only_size_and_elements_change():
    # two atoms in one place: spglib finds no group
    broken = Crystal("x", 4 * np.eye(3), [26, 26], [[0, 0, 0], [0, 0, 0.0001]])
    source = template(broken)
    assert source.rotations.size == 0
    variant = vary(source, Changes(), np.random.default_rng(5))
    np.testing.assert_array_equal(variant.frac, broken.frac)
    ratio = variant.lattice / 4
    np.testing.assert_allclose(ratio, ratio[0, 0] * np.eye(3), atol=1e-12)


def test_half_of_the_variants_have_form_factors_at_a_q():
    generator = np.random.default_rng(6)
    drawn = np.array([vary_q(Changes(q=12.0), generator) for _ in range(200)])
    assert np.mean(drawn == 0) == pytest.approx(0.5, abs=0.1)
    assert 11 < drawn.max() < 12
    before = generator.bit_generator.state
    assert vary_q(Changes(), generator) == 0
    assert generator.bit_generator.state == before
