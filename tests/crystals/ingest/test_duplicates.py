import numpy as np
from conftest import scaled

from gromega.crystals.crystal import Crystal
from gromega.crystals.fingerprint import fingerprint
from gromega.crystals.ingest.duplicates import DuplicateFinder
from gromega.crystals.symmetry import find_symmetry


def test_which_element_is_where_tells_crystals_apart():
    # half-Heusler: Ti, Ni or Sn in the middle; formula and structure type are the same
    fcc = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    frac = np.concatenate([fcc, fcc + 0.25, fcc + 0.5])
    known = DuplicateFinder()
    for middle, others in ((28, (22, 50)), (50, (22, 28)), (22, (28, 50))):
        numbers = np.repeat([others[0], middle, others[1]], 4)
        crystal = Crystal("x", 5.92 * np.eye(3), numbers, frac)
        key = find_symmetry(crystal).structure_type
        assert (
            known.find_or_add(str(middle), "NiSnTi", key, fingerprint(crystal)) is None
        )
        swapped = Crystal("y", 5.92 * np.eye(3), numbers[::-1], frac[::-1] + 0.25)
        assert known.find_or_add("y", "NiSnTi", key, fingerprint(swapped)) == str(
            middle
        )


def test_the_same_is_known_again_within_two_per_cent(nickel):
    known = DuplicateFinder()
    facts = "Ni", "A_225_a"
    assert known.find_or_add("first", *facts, fingerprint(nickel)) is None
    expected = {1.015: "first", 0.985: "first", 1.03: None}
    for factor, name in expected.items():
        distances = fingerprint(scaled(nickel, "x", factor))
        assert known.find_or_add(str(factor), *facts, distances) == name
    assert known.find_or_add("x", "Cu", "A_225_a", fingerprint(nickel)) is None
