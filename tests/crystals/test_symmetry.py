import json

import numpy as np
import pytest
from conftest import DATA

from gromega.crystals.crystal import Crystal
from gromega.crystals.symmetry import LOOSE, find_symmetry, loose_group, space_group


def test_textbook_crystals_have_their_groups(classics):
    stated = [
        c["space_group"] for c in json.loads((DATA / "classics.json").read_text())
    ]
    ordered = [
        (crystal, group)
        for crystal, group in zip(classics, stated, strict=True)
        if (crystal.occupancy == 1).all()
    ]
    assert len(ordered) >= 14
    for crystal, group in ordered:
        assert space_group(crystal) == group
        assert space_group(crystal, LOOSE) == group


def test_group_at_the_loose_tolerance_is_that_of_spglib(classics):
    for crystal in classics:
        symmetry = find_symmetry(crystal)
        assert loose_group(symmetry) == space_group(crystal, LOOSE), crystal.id
    # nearly body-centred: the composition allows the smaller cell, and 0.1 Å finds it
    frac = [[0, 0, 0], [0.5, 0.5, 0.49]]
    symmetry = find_symmetry(Crystal("x", np.diag([4, 4, 4.0]), [26, 26], frac))
    assert symmetry.space_group != loose_group(symmetry) == 229


def test_sites_of_different_occupancy_are_not_equivalent():
    cube = [[4, 0, 0], [0, 4, 0], [0, 0, 4]]
    frac = [[0, 0, 0], [0.5, 0.5, 0.5]]
    assert space_group(Crystal("full", cube, [26, 26], frac)) == 229
    assert space_group(Crystal("half", cube, [26, 26], frac, [1.0, 0.5])) == 221


def test_overlapping_atoms_have_no_group():
    cube = [[4, 0, 0], [0, 4, 0], [0, 0, 4]]
    crystal = Crystal("twice", cube, [26, 26], [[0, 0, 0], [0, 0, 0.0001]])
    with pytest.raises(ValueError, match="'twice'"):
        space_group(crystal)
