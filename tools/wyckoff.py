"""Make the table of Wyckoff positions, src/gromega/crystals/wyckoff.json.

    python tools/wyckoff.py src/gromega/crystals/wyckoff.json

For each space group, in the reference setting of gemmi, the table holds a
representative of every Wyckoff position, such as ``x,x,1/4``. The representatives are
found by moving random points onto the fixed points of operations, and get the letters
of spglib.

The table also holds permutations of the letters. The letters of a crystal depend on the
choice of origin and axes: rock salt has sodium on a and chlorine on b of Fm-3m, or the
reverse. The affine normalizer of the group gives all choices. Its elements are applied
to one orbit on every position, and a generating set of permutations is kept.
"""

import json
import string
import sys
import warnings
from functools import cache
from itertools import permutations, product
from pathlib import Path

import gemmi
import numpy as np
import spglib

from gromega.crystals.structure_type import closure

warnings.simplefilter("ignore", DeprecationWarning)
ORDER = string.ascii_lowercase + string.ascii_uppercase
# Translations of normalizers: halves, thirds, quarters and, in Fddd, eighths.
STEPS = np.arange(24) / 24
GRID = np.stack(np.meshgrid(STEPS, STEPS, STEPS, indexing="ij"), -1).reshape(-1, 3)


def metric(number):
    """Return a lattice (Å) of the crystal system with no more symmetry than it."""
    a, b, c, alpha, beta, gamma = 11.0, 13.7, 17.3, 90.0, 90.0, 90.0
    if number <= 2:
        alpha, beta, gamma = 83.0, 99.0, 107.0
    elif number <= 15:
        beta = 103.0
    elif number >= 195:
        b = c = a
    elif number >= 75:
        b = a
    if 143 <= number <= 194:
        gamma = 120.0
    return np.array(gemmi.UnitCell(a, b, c, alpha, beta, gamma).orth.mat.tolist()).T


def rotations_to_try(number):
    """Yield matrices that can be the rotation of an element of the normalizer."""
    if number <= 2:
        for entries in product((-1, 0, 1), repeat=9):
            matrix = np.array(entries).reshape(3, 3)
            sparse = np.count_nonzero(matrix) <= 4
            if sparse and abs(round(np.linalg.det(matrix))) == 1:
                yield matrix
    elif number <= 15:
        for p, q, r, s in product((-2, -1, 0, 1, 2), repeat=4):
            if abs(p * s - q * r) == 1:
                yield np.array([[p, 0, q], [0, 1, 0], [r, 0, s]])
    elif 143 <= number <= 194:
        sixfold = np.array([[1, -1, 0], [1, 0, 0], [0, 0, 1]])
        mirror = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]])
        for n, m, sign in product(range(6), range(2), (1, -1)):
            turn = np.linalg.matrix_power(sixfold, n) @ np.linalg.matrix_power(
                mirror, m
            )
            yield np.diag([1, 1, sign]) @ turn
    else:
        for order in permutations(range(3)):
            if 75 <= number < 143 and order[2] != 2:
                continue
            for signs in product((1, -1), repeat=3):
                yield np.diag(signs) @ np.eye(3, dtype=int)[list(order)]


def normalizer(number, rotations, translations):
    """Yield elements (R, t) that, with the group, generate its normalizer."""
    keys = {}
    for w, v in zip(rotations, translations, strict=True):
        keys.setdefault(w.tobytes(), []).append(v)
    for matrix in rotations_to_try(number):
        inverse = np.linalg.inv(matrix)
        shifts = GRID
        for w, v in zip(rotations, translations, strict=True):
            turned = np.round(matrix @ w @ inverse).astype(rotations.dtype)
            # The image of (W, v) is (R W R⁻¹, R v + t - R W R⁻¹ t).
            got = matrix @ v + shifts @ (np.eye(3) - turned).T
            there = keys.get(turned.tobytes(), np.empty((0, 3)))
            steps = got[:, None] - np.array(there)
            steps -= np.round(steps)
            shifts = shifts[(np.abs(steps).max(axis=2) < 1e-6).any(axis=1)]
        if np.array_equal(matrix, np.eye(3)):
            yield from ((matrix, shift) for shift in shifts[1:])
        elif len(shifts):
            yield matrix, shifts[0]


def orbit_of(rotations, translations, point):
    """Return the atoms of an orbit in one cell, (multiplicity, 3)."""
    images = np.round((rotations @ point + translations) % 1.0, 9) % 1.0
    return np.unique(images, axis=0)


@cache
def hall_number(number):
    """Return spglib's number of the reference setting."""
    hall = gemmi.get_spacegroup_reference_setting(number).hall
    operations = gemmi.symops_from_hall(hall)
    for k in range(1, 531):
        if spglib.get_spacegroup_type(k).number == number:
            data = spglib.get_symmetry_from_database(k)
            found = gemmi.GroupOps(
                [as_op(*x) for x in zip(*data.values(), strict=True)]
            )
            if found == operations:
                return k
    raise ValueError(number)


def as_op(rotation, translation):
    """Return an operation as gemmi has it."""
    op = gemmi.Op()
    op.rot = (gemmi.Op.DEN * rotation).tolist()
    op.tran = np.round(gemmi.Op.DEN * translation).astype(int).tolist()
    return op


def letters(number, rotations, translations, points):
    """Return Wyckoff letters, by spglib, and the points that have them.

    spglib may move the crystal to another choice of origin and axes; the letters are
    those of the moved points.
    """
    # Two atoms on the general position give the crystal the symmetry of the group.
    anchors = [[0.1371, 0.2113, 0.3539], [0.0719, 0.3671, 0.1913]]
    orbits = [orbit_of(rotations, translations, x) for x in [*anchors, *points]]
    sizes = [len(orbit) for orbit in orbits]
    kinds = np.repeat(np.arange(len(orbits)), sizes)
    atoms = np.concatenate(orbits)
    data = spglib.get_symmetry_dataset(
        (metric(number), atoms, kinds), symprec=1e-4, hall_number=hall_number(number)
    )
    assert data is not None and data.number == number, (number, data)
    first = np.cumsum(sizes)[1:-1]
    moved = atoms[first] @ data.transformation_matrix.T + data.origin_shift
    return [data.wyckoffs[k] for k in first], moved


def sample_points(rotations, translations, rng):
    """Move random points onto the fixed points of random operations, thrice over."""
    points = rng.random((256, 3))
    projectors = np.tile(np.eye(3), (256, 1, 1))
    found = []
    for _ in range(3):
        k = rng.integers(len(rotations), size=256)
        change = rotations[k] - np.eye(3)
        shift = np.einsum("kij,kj->ki", change, points) + translations[k]
        missing = np.round(shift) - shift
        # Rounded, or pinv takes the last bits of zeros for directions.
        free_change = np.round(change @ projectors, 9)
        move = projectors @ np.linalg.pinv(free_change)
        steps = np.einsum("kij,kj->ki", move, missing)
        left = np.einsum("kij,kj->ki", change, steps) - missing
        points = points + steps * (np.abs(left).max(axis=1) < 1e-9)[:, None]
        images = np.einsum("nij,kj->kni", rotations, points) + translations
        off = images - points[:, None]
        fixing = (np.abs(off - np.round(off)) < 1e-6).all(axis=2)
        # The mean over the site-symmetry group projects onto what it leaves free.
        projectors = np.einsum("kn,nij->kij", fixing, rotations).astype(float)
        projectors /= fixing.sum(axis=1)[:, None, None]
        found.append(points)
    return np.concatenate(found)


def label_positions(number, rotations, translations):
    """Return one point on each Wyckoff position, by its text, and the letters."""
    rng = np.random.default_rng(number)
    general = np.array([0.2239, 0.4127, 0.0877])
    (last,), _ = letters(number, rotations, translations, [general])
    points, names = {"x,y,z": general}, {"x,y,z": last}
    while len(points) <= ORDER.index(last):
        sample = sample_points(rotations, translations, rng)
        for some in np.array_split(sample, len(sample) // 30):
            orbits, kept = np.empty((0, 3)), []
            for point in some:
                steps = orbits - point
                steps -= np.round(steps)
                if (np.abs(steps) > 1e-4).any(axis=1).all():
                    orbit = orbit_of(rotations, translations, point)
                    orbits = np.concatenate([orbits, orbit])
                    if len(orbit) < len(rotations):
                        kept.append(point)
            if not kept:
                continue
            found, moved = letters(number, rotations, translations, kept)
            for name, point in zip(found, moved, strict=True):
                text = shortest_triplet(rotations, translations, point)
                points.setdefault(text, point)
                assert names.setdefault(text, name) == name, (number, text, name)
    return points, names


def triplet(rotations, translations, point):
    """Return the coordinates that the site symmetry of a point leaves free, as text."""
    steps = rotations @ point + translations - point
    fixing = (np.abs(steps - np.round(steps)) < 1e-5).all(axis=1)
    # The mean over the site-symmetry group projects onto what it leaves free.
    rows = rotations[fixing].mean(axis=0).T
    matrix, fixed = np.zeros((3, 3)), point.copy()
    for pivot in range(3):
        rows = rows[np.abs(rows).max(axis=1) > 1e-9]
        found = [row / row[pivot] for row in rows if abs(row[pivot]) > 1e-9]
        # (x, x/2, 0) is written (2y, y, 0): a step of 1 in y is a lattice vector.
        whole = [row for row in found if np.allclose(row, np.round(row))]
        if whole:
            direction = whole[0]
            rows = rows - np.outer(rows[:, pivot], direction)
            fixed = fixed - direction * fixed[pivot]
            matrix -= np.outer(direction, matrix[pivot])
            matrix[:, pivot] = direction
    assert np.allclose(24 * fixed, np.round(24 * fixed), atol=1e-4), fixed
    fixed = np.round(24 * fixed) / 24 % 1.0
    op = gemmi.Op()
    op.rot = np.round(gemmi.Op.DEN * matrix).astype(int).tolist()
    op.tran = np.round(gemmi.Op.DEN * fixed).astype(int).tolist()
    return ",".join(part or "0" for part in op.triplet().split(","))


def shortest_triplet(rotations, translations, point):
    """Return the text of that atom of an orbit which is written shortest."""
    images = orbit_of(rotations, translations, point)
    texts = {triplet(rotations, translations, image) for image in images}
    return min(texts, key=lambda text: (len(text), text))


def positions_and_exchanges(number):
    """Return the positions by letter, and generators of permutations of letters."""
    operations = list(gemmi.get_spacegroup_reference_setting(number).operations())
    rotations = np.array([op.rot for op in operations]) // gemmi.Op.DEN
    translations = np.array([op.tran for op in operations]) / gemmi.Op.DEN
    points, names = label_positions(number, rotations, translations)
    texts = sorted(points, key=lambda text: ORDER.index(names[text]))
    alphabet = "".join(names[text] for text in texts)
    assert alphabet == ORDER[: len(texts)], (number, alphabet)
    generators, known = [], {alphabet}
    for matrix, shift in normalizer(number, rotations, translations):
        moved = [matrix @ points[text] + shift for text in texts]
        image = "".join(
            names[shortest_triplet(rotations, translations, point)] for point in moved
        )
        assert sorted(image) == sorted(alphabet), (number, matrix, shift, image)
        if image not in known:
            generators.append(image)
            known = set(closure(alphabet, generators))
    return dict(zip(alphabet, texts, strict=True)), generators


def main():
    """Write the table of all 230 groups."""
    lines = []
    for number in range(1, 231):
        positions, generators = positions_and_exchanges(number)
        group = {"positions": positions, "exchanges": generators}
        lines.append(f"{json.dumps(str(number))}: {json.dumps(group)}")
        print(lines[-1], flush=True)
    Path(sys.argv[1]).write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
