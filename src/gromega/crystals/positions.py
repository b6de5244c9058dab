"""The positions of a space group: orbits to place atoms on, special and general."""

from dataclasses import dataclass
from functools import cache

import gemmi
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Group:
    """A space group in its primitive basis, with positions sampled from it.

    The basis vectors are rows, in coordinates of the conventional cell. A kind of
    position is its multiplicity and its freedom, 0 to 3. Position k holds every
    ``points[k] + projectors[k] @ u`` and is of kind ``kinds[kind[k]]``; the first
    operations in ``cosets[k]``, as many as its multiplicity, make its orbit.
    """

    number: int
    basis: Floats
    rotations: Floats
    translations: Floats
    kinds: Integers
    kind: Integers
    points: Floats
    projectors: Floats
    cosets: Integers

    def images(self, k: Integers, points: Floats) -> Floats:
        """Return the orbits of points (n, 3) on positions k of one kind, (n, m, 3)."""
        operations = self.cosets[k, : self.kinds[self.kind[k[0]], 0]]
        turned = np.einsum("kmij,kj->kmi", self.rotations[operations], points)
        return turned + self.translations[operations]


@cache
def load_group(number: int) -> Group:
    """Return the space group of a number, 1 to 230."""
    setting = gemmi.get_spacegroup_reference_setting(number)
    operations = list(setting.operations().sym_ops)
    primitive = np.array(setting.centred_to_primitive().rot) / gemmi.Op.DEN
    to_primitive = np.linalg.inv(primitive)
    rotations = np.array([operation.rot for operation in operations]) / gemmi.Op.DEN
    rotations = np.round(to_primitive @ rotations @ primitive)
    translations = np.array([operation.tran for operation in operations])
    translations = translations / gemmi.Op.DEN @ to_primitive.T
    points, projectors = _sample_positions(rotations, translations)
    images = np.einsum("nij,kj->kni", rotations, points) + translations
    first = _coincide(images[:, :, None], images[:, None]).argmax(axis=2)
    is_coset = first == np.arange(len(rotations))
    freedoms = np.round(np.trace(projectors, axis1=1, axis2=2)).astype(int)
    kinds, kind = np.unique(
        np.stack([is_coset.sum(axis=1), freedoms], axis=1), axis=0, return_inverse=True
    )
    cosets = np.argsort(~is_coset, axis=1, kind="stable")
    basis = primitive.T
    return Group(
        number, basis, rotations, translations, kinds, kind, points, projectors, cosets
    )


def _sample_positions(rotations: Floats, translations: Floats) -> tuple[Floats, Floats]:
    """Move random points onto the fixed points of random operations, thrice over."""
    n, n_walks = len(rotations), 256
    rng = np.random.default_rng(0)
    points = rng.random((n_walks, 3))
    projectors = np.tile(np.eye(3), (n_walks, 1, 1))
    found = [(points[:1], projectors[:1])]
    for _ in range(3):
        k = rng.integers(n, size=n_walks)
        change = rotations[k] - np.eye(3)
        shift = apply(change, points) + translations[k]
        # Halves occur, and must be rounded alike on all machines.
        missing = np.round(shift - 1e-6) - shift
        # Rounded, or pinv takes the last bits of zeros for directions.
        free_change = np.round(change @ projectors, 9)
        steps = apply(projectors @ np.linalg.pinv(free_change), missing)
        reached = abs(apply(change, steps) - missing).max(axis=1) < 1e-9
        points = points + steps * reached[:, None]
        images = np.einsum("nij,kj->kni", rotations, points) + translations
        stabilizers = _coincide(images, points[:, None])
        # The mean over the site-symmetry group projects onto what it leaves free.
        projectors = np.einsum("kn,nij->kij", stabilizers, rotations)
        projectors /= stabilizers.sum(axis=1)[:, None, None]
        found.append((points, projectors))
    points, projectors = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return points, projectors


def apply(matrices: Floats, points: Floats) -> Floats:
    """Return each point of (n, 3) times its own matrix of (n, 3, 3)."""
    return np.einsum("kij,kj->ki", matrices, points)


def _coincide(a: Floats, b: Floats) -> NDArray[np.bool_]:
    difference = a - b
    return np.all(abs(difference - np.round(difference)) < 1e-6, axis=-1)
