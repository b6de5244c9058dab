import numpy as np

from gromega.crystals.crystal import Crystal
from gromega.crystals.fingerprint import fingerprint


def test_fingerprint_of_nickel_is_its_shells(nickel):
    # 12, 6, 24, 12 and 10 of the 24 next neighbours
    a = (4 * nickel.volume / nickel.numbers.size) ** (1 / 3)
    shells = np.repeat(a * np.sqrt([0.5, 1, 1.5, 2, 2.5]), [12, 6, 24, 12, 10])
    np.testing.assert_allclose(fingerprint(nickel)[:64], shells, rtol=1e-5)
    # all atoms alike: electrons are where atoms are
    np.testing.assert_allclose(fingerprint(nickel)[64:], shells, rtol=1e-5)


def test_fingerprint_does_not_depend_on_the_cell(classics):
    for crystal in classics:
        change = np.array([[1, 0, 0], [2, 1, 0], [0, 1, 1]])
        other = Crystal(
            "x",
            change @ crystal.lattice,
            crystal.numbers,
            (crystal.frac + 0.3) @ np.linalg.inv(change),
            crystal.occupancy,
        )
        np.testing.assert_allclose(
            fingerprint(other), fingerprint(crystal), rtol=1e-4, err_msg=crystal.id
        )


def test_needles_and_plates_have_a_fingerprint():
    for edges in ([2.5, 2.5, 200.0], [60.0, 60.0, 2.5]):
        crystal = Crystal("x", np.diag(edges), [26, 26], [[0, 0, 0], [0.5, 0.5, 0.5]])
        distances = fingerprint(crystal)
        assert distances.shape == (128,)
        assert np.all(np.diff(distances[:64]) >= 0)
        assert distances[0] == np.float32(2.5)
