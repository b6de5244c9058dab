from pathlib import Path

import numpy as np
import pytest

from gromega.params import Params, Spectra, Train
from gromega.training.prepare import TrainingFiles, type_classes, variant_inputs
from gromega.training.recipes import get_recipe

FILES = TrainingFiles(*map(Path, ("crystals", "split", "augmentation")))
GROUPS = np.array([2, 14])
TYPES = ["rocksalt", "fluorite", "rocksalt", "cscl", "spinel", "once", "cscl", "twice"]
TYPE_GROUPS = np.array([1, 1, 1, 0, 2, 2, 0, 2])


def test_the_augmentation_crystals_count_for_recipes_that_use_them():
    assert FILES.used_by(get_recipe("small")) == [FILES.crystals, FILES.split]
    assert FILES.used_by(get_recipe("robust"))[-1] == FILES.augmentation


@pytest.mark.parametrize(
    ("recipe", "change"),
    [
        # the box needs all 36 Å of a spectrum
        ("robust", {"spectra": Spectra(dmax=34.0)}),
        # the reference alone: up to rmax, the ripples and the tail of a peak
        ("robust-at-reference", {"spectra": Spectra(dmax=31.0)}),
    ],
)
def test_pair_spectra_that_are_too_short_are_an_error(recipe, change):
    params = Params(train=Train(recipe=recipe), **change)
    dmax = f"{params.spectra.dmax:g} Å"
    with pytest.raises(ValueError, match=dmax):
        variant_inputs(get_recipe(recipe), params, GROUPS, FILES)


def test_a_recipe_without_variants_is_an_error():
    with pytest.raises(ValueError, match="small"):
        variant_inputs(get_recipe("small"), Params(), GROUPS, FILES)


def test_types_of_the_split_and_types_of_two_crystals_are_classes():
    # three crystals of the split; then cscl twice, and three types of group 2 once each
    classes, found = type_classes(TYPES, TYPE_GROUPS, n_own=3)
    assert found.groups[classes].tolist() == TYPE_GROUPS.tolist()
    assert classes[0] == classes[2] != classes[1]
    assert classes[3] == classes[6]
    assert len({*classes[[4, 5, 7]]}) == 1
    assert sorted(set(classes)) == list(range(4)) == list(range(found.groups.size))


def test_a_type_of_one_crystal_of_the_split_is_a_class():
    classes, found = type_classes(TYPES, TYPE_GROUPS, n_own=len(TYPES))
    assert found.groups.size == len(set(TYPES))
    assert len(set(classes)) == len(set(TYPES))
