"""Templates: the symmetry operations of crystals, and their cache on disk."""

import numpy as np
import pytest

from gromega.crystals.crystal import Crystal
from gromega.crystals.generate.templates import (
    read_templates,
    template,
    with_symmetry,
    write_templates,
)


def same(one, other):
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("rotations", "origins", "orbits")
    )


@pytest.fixture(scope="module")
def made(classics):
    return [template(crystal) for crystal in classics]


def test_symmetrised_displacements_are_invariant(classics, made, generator):
    for crystal, source in zip(classics, made, strict=True):
        if source.origins.size:
            once = source.symmetrise(generator.standard_normal(crystal.frac.shape))
            np.testing.assert_allclose(source.symmetrise(once), once, atol=1e-12)


def test_crystal_without_free_coordinates_has_no_origins(classics, made):
    salt = next(k for k, crystal in enumerate(classics) if crystal.id == "rock salt")
    assert made[salt].origins.size == 0
    assert len(made[salt].rotations) == 48


def test_crystal_without_a_group_has_no_operations():
    broken = Crystal("x", 4 * np.eye(3), [26, 26], [[0, 0, 0], [0, 0, 0.0001]])
    assert template(broken).rotations.size == 0


def test_templates_are_read_as_written(classics, made, tmp_path):
    write_templates(tmp_path / "s.npz", made)
    assert all(map(same, made, read_templates(tmp_path / "s.npz", classics)))


def test_symmetry_is_found_once(classics, made, tmp_path, monkeypatch):
    steps = []
    assert all(map(same, made, with_symmetry(classics, tmp_path, steps.append)))
    assert sum(steps) == len(classics)

    def fail(*_):
        raise AssertionError("the cache was not used")

    monkeypatch.setattr("gromega.crystals.generate.templates.templates", fail)
    assert all(map(same, made, with_symmetry(classics, tmp_path)))
    assert len(list(tmp_path.iterdir())) == 1
