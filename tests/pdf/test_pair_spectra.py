import numpy as np
import pytest

import gromega
from gromega.conditions import Conditions
from gromega.crystals.crystal import Crystal
from gromega.pdf.simulate import simulate

CUBE = 4.0 * np.eye(3)
CRYSTALS = [
    Crystal("CsCl", CUBE, [55, 17], [[0, 0, 0], [0.5, 0.5, 0.5]]),
    Crystal("Fe", CUBE * 0.84, [26], [[0, 0, 0]]),
]


@pytest.mark.parametrize(
    "omega",
    [Conditions(), Conditions(qmax=15.0, rmax=12.0, noise=0.1, diameter=20.0)],
)
def test_spectra_computed_once_give_the_pdfs_of_simulate(omega):
    spectra = gromega.pair_spectra(CRYSTALS)
    r, g = spectra.simulate(omega, seed=3)
    expected_r, expected = simulate(CRYSTALS, omega, seed=3)
    np.testing.assert_array_equal(r, expected_r)
    np.testing.assert_allclose(g, expected, atol=1e-6)


def test_another_radiation_and_longer_distances_are_errors():
    spectra = gromega.pair_spectra(CRYSTALS, "neutron", dmax=15.0)
    assert repr(spectra) == "PairSpectra(2 crystals, neutron, to 15 Å)"
    with pytest.raises(ValueError, match="xray"):
        spectra.simulate(Conditions(rmax=10.0))
    with pytest.raises(ValueError, match="15 Å"):
        spectra.simulate(Conditions(radiation="neutron"))


def test_one_crystal_is_no_list_of_crystals():
    with pytest.raises(ValueError, match="one crystal"):
        gromega.pair_spectra(CRYSTALS[0])
