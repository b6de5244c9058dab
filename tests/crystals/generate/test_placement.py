"""Placement: atoms of different orbits keep their contact distances."""

import numpy as np
import pytest

from gromega.crystals.generate.placement import LEAST_ROOM, place_orbits
from gromega.crystals.wyckoff import load_group


def place(group, orbits, contact):
    """Place orbits in a cubic cell of 6 Å with one contact distance for all pairs."""
    contacts = np.full((len(orbits), len(orbits)), contact)
    return place_orbits(
        np.random.default_rng(0),
        load_group(group),
        np.array(orbits),
        contacts,
        6.0 * np.eye(3),
        np.eye(3),
    )


def test_room_is_the_shortest_distance_over_the_contact():
    # cesium chloride: a and b of Pm-3m, half a body diagonal apart
    placed, room = place(221, [0, 1], 2.0)
    assert sorted(placed) == [0, 1]
    assert room == pytest.approx(3 * np.sqrt(3) / 2.0)


def test_free_orbits_keep_the_least_room():
    last = len(load_group(62).letters) - 1
    placed, room = place(62, [last, last, last], 2.0)
    assert all(len(atoms) == 8 for atoms in placed.values())
    assert room > LEAST_ROOM


def test_orbit_without_room_is_left_out():
    placed, _ = place(221, [0, 1], 9.0)
    assert sorted(placed) == [0] or placed == {}
