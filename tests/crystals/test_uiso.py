import numpy as np

from gromega.crystals.uiso import uiso_by_element


def test_each_element_has_one_excess_over_the_smallest(classics):
    crystal = next(c for c in classics if len(set(c.numbers.tolist())) == 3)
    drawn = 0.005 * np.random.default_rng(0).random(3)
    excess = uiso_by_element(crystal, 0.005, np.random.default_rng(0))
    # from the lightest element to the heaviest
    for number, value in zip(sorted({*crystal.numbers}), drawn, strict=True):
        assert (excess[crystal.numbers == number] == value - drawn.min()).all()
    assert not uiso_by_element(crystal, 0.0, np.random.default_rng(0)).any()
