import subprocess
import sys

import numpy as np
import pytest

from gromega.crystals.crystal import Crystal
from gromega.pdf.scattering import (
    is_visible,
    scattering_length,
    scattering_table,
    site_weights,
    without_length,
)


def test_weights_are_those_of_the_field():
    # Waasmaier & Kirfel at Q = 0, and Sears' bound coherent lengths
    assert scattering_table("xray")[6] == pytest.approx(5.997198)
    assert scattering_table("neutron")[8] == pytest.approx(5.805)
    assert 89 in without_length("neutron")
    assert not without_length("xray") & set(range(1, 95))


def test_an_isotope_has_a_length_of_its_own_by_neutrons():
    # Sears: D 6.67 fm, H -3.74 fm; Li -1.90 fm, 7Li -2.22 fm
    assert scattering_length(2001, "neutron") == pytest.approx(6.67, abs=0.01)
    assert scattering_length(1, "neutron") == pytest.approx(-3.74, abs=0.01)
    assert scattering_length(7003, "neutron") == pytest.approx(-2.22, abs=0.01)
    assert scattering_length(2001, "xray") == scattering_length(1, "xray")
    # no length is known for it
    assert 9003 in without_length("neutron")
    assert 2001 not in without_length("neutron")


def test_weights_are_those_of_the_isotopes():
    facts = [4 * np.eye(3), [3, 1], [[0, 0, 0], [0.5, 0.5, 0.5]]]
    hydride, deuteride = Crystal("LiH", *facts), Crystal("LiD", *facts, None, [0, 2])
    np.testing.assert_array_equal(
        site_weights(hydride, "xray"), site_weights(deuteride, "xray")
    )
    lithium, deuterium = site_weights(deuteride, "neutron")
    assert deuterium / lithium == pytest.approx(6.674 / -1.90)
    lithium, hydrogen = site_weights(hydride, "neutron")
    assert hydrogen / lithium == pytest.approx(-3.7409 / -1.90, rel=1e-3)


def test_an_element_without_a_length_is_named():
    crystal = Crystal("x", 4 * np.eye(3), [89], [[0, 0, 0]])
    with pytest.raises(ValueError, match="Ac"):
        site_weights(crystal, "neutron")
    assert not is_visible(crystal, "neutron")
    assert is_visible(crystal, "xray")


def test_an_unknown_radiation_is_an_error():
    with pytest.raises(ValueError, match="'neutrons'"):
        scattering_table("neutrons")


def test_a_crystal_that_does_not_scatter_on_average_is_an_error():
    # b is negative for Ti and positive for Zr: a mixture of mean zero
    titanium, zirconium = scattering_table("neutron")[[22, 40]]
    share = zirconium / (zirconium - titanium)
    crystal = Crystal(
        "null alloy",
        4 * np.eye(3),
        [22, 40],
        [[0, 0, 0], [0, 0, 0]],
        [share, 1 - share],
    )
    with pytest.raises(ValueError, match="null alloy"):
        site_weights(crystal, "neutron")


def test_threads_that_start_together_see_whole_tables():
    # periodictable reads its files at first use: without care, a second thread finds
    # elements missing
    code = """
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from gromega.pdf.scattering import scattering_table


def late(i):
    time.sleep(1e-4 * i)
    return scattering_table("xray")


sys.setswitchinterval(1e-6)
with ThreadPoolExecutor(64) as pool:
    tables = list(pool.map(late, range(64)))
assert all(np.isfinite(table[1:95]).all() for table in tables)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
