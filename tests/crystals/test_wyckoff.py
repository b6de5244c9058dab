"""Wyckoff positions: orbits, multiplicities and site symmetries of all 230 groups."""

import numpy as np
import pytest

from gromega.crystals.wyckoff import load_group, wyckoff


@pytest.mark.parametrize("group", range(1, 231))
def test_positions_have_their_site_symmetry(group):
    # each orbit has as many atoms as its multiplicity says, all of them other places,
    # and the last is the general position
    loaded = load_group(group)
    u = np.random.default_rng(group).random((1, 3))
    order = len(loaded.rotations)
    assert loaded.multiplicities[-1] == order
    assert loaded.freedoms[-1] == 3
    for k, multiplicity in enumerate(loaded.multiplicities):
        (orbit,) = loaded.orbits(k, u)
        gaps = orbit[:, None] - orbit
        gaps = np.abs(gaps - np.round(gaps)).max(axis=2)
        assert (gaps[np.triu_indices(multiplicity, 1)] > 1e-6).all()
        everywhere = np.einsum("nij,j->ni", loaded.rotations, orbit[0])
        gaps = (everywhere + loaded.translations)[:, None] - orbit
        gaps = np.abs(gaps - np.round(gaps)).max(axis=2)
        assert ((gaps < 1e-6).sum(axis=1) == 1).all()
        assert order % multiplicity == 0


@pytest.mark.parametrize(
    ("number", "letters", "general"),
    [
        # International Tables A: P1, P-1, Pnma, Fm-3m (48 of 192 in a primitive cell)
        (1, "a", 1),
        (2, "abcdefghi", 2),
        (62, "abcd", 8),
        (225, "abcdefghijkl", 48),
    ],
)
def test_letters_are_those_of_the_tables(number, letters, general):
    group = load_group(number)
    assert group.letters == letters == "".join(wyckoff(number).positions)
    assert group.multiplicities[-1] == general
