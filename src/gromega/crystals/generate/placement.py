"""Placement: orbits of atoms in a cell, spread out as far as possible."""

import numba
import numpy as np
from numpy.random import Generator

from gromega.crystals.wyckoff import Floats, Integers, WyckoffGroup

CANDIDATES = 32
# The widths of the successive searches for each orbit, in cell edges.
SEARCHES = (1.0, 0.2, 0.1)
# An orbit with less room than this is left out.
LEAST_ROOM = 0.68


def place_orbits(
    rng: Generator,
    group: WyckoffGroup,
    orbits: Integers,
    contacts: Floats,
    lattice: Floats,
    to_reduced: Floats,
) -> tuple[dict[int, Floats], float]:
    """Place orbits one by one; return those that find room, and the least room.

    The room of an atom is its distance to another atom divided by the contact distance
    of the two elements. The orbits, (n_orbits,), are Wyckoff positions in the order of
    placement. Their contact distances, (n_orbits, n_orbits), and the reduced lattice,
    (3, 3), are in Å. Row vectors of primitive coordinates times `to_reduced`, (3, 3),
    are those of the reduced lattice, in which atoms, (m, 3), are returned by orbit.
    """
    placed: dict[int, Floats] = {}
    chosen: dict[int, Floats] = {}
    for width in SEARCHES:
        for k, position in enumerate(orbits.tolist()):
            if width < 1 and (k not in placed or group.freedoms[position] == 0):
                continue
            n = CANDIDATES if group.freedoms[position] else 1
            u = width * (rng.random((n, 3)) - 0.5)
            if k in placed:
                u[0] = 0.0
                u += chosen[k]
            images = group.orbits(position, u) @ to_reduced
            room = _rooms(images, k, placed, contacts, lattice)
            # Rounding makes ties the same on all machines.
            best = int(np.argmax(np.round(room, 6)))
            if k in placed or room[best] > LEAST_ROOM:
                placed[k], chosen[k] = images[best], u[best]
    rooms = [
        _rooms(atoms[None], k, placed, contacts, lattice)[0]
        for k, atoms in placed.items()
    ]
    return placed, min(rooms, default=0.0)


def _rooms(
    images: Floats, k: int, placed: dict[int, Floats], contacts: Floats, lattice: Floats
) -> Floats:
    """Return the room of (n, m, 3) candidates for orbit k, (n,)."""
    neighbours = [j for j in placed if j != k]
    atoms = np.concatenate([np.empty((0, 3)), *(placed[j] for j in neighbours)])
    contact = np.repeat(contacts[k, neighbours], [len(placed[j]) for j in neighbours])
    rooms: Floats = _nearest_over_contact(
        np.ascontiguousarray(images), contacts[k, k], atoms, contact, lattice
    )
    return rooms


@numba.njit(cache=True)
def _nearest_over_contact(  # type: ignore[no-untyped-def]
    images, own_contact, atoms, contacts, lattice
):
    """Return the shortest distance over contact of each orbit's first atom, (n,).

    An orbit with less than another one is given up early: its value is then an upper
    bound, less than the largest.
    """
    n, m, _ = images.shape
    result = np.empty(n)
    shifts = _shifts(lattice)
    edge = np.sqrt((lattice * lattice).sum(axis=1)).min() / own_contact
    largest = 0.0
    for i in range(n):
        least = edge
        for j in range(1, m):
            d = _nearest(images[i, j], images[i, 0], lattice, shifts)
            least = min(least, d / own_contact)
            if least < largest:
                break
        for j in range(len(atoms)):
            if least < largest:
                break
            d = _nearest(atoms[j], images[i, 0], lattice, shifts)
            least = min(least, d / contacts[j])
        largest = max(largest, least)
        result[i] = least
    return result


@numba.njit(cache=True)
def _shifts(lattice):  # type: ignore[no-untyped-def]
    """Return the vectors (Å) to a cell and its neighbours, (27, 3)."""
    shifts = np.empty((27, 3))
    row = 0
    for i in range(-1, 2):
        for j in range(-1, 2):
            for k in range(-1, 2):
                shifts[row] = i * lattice[0] + j * lattice[1] + k * lattice[2]
                row += 1
    return shifts


@numba.njit(cache=True)
def _nearest(atom, other, lattice, shifts):  # type: ignore[no-untyped-def]
    """Return the distance (Å) over the nearest image, in a reduced lattice."""
    x, y, z = 0.0, 0.0, 0.0
    for c in range(3):
        step = atom[c] - other[c]
        step -= np.round(step)
        x += step * lattice[c, 0]
        y += step * lattice[c, 1]
        z += step * lattice[c, 2]
    best = np.inf
    for row in range(len(shifts)):
        dx, dy, dz = x + shifts[row, 0], y + shifts[row, 1], z + shifts[row, 2]
        best = min(best, dx * dx + dy * dy + dz * dz)
    return np.sqrt(best)
