"""Symmetry operations: reading them, and the orbits of atoms that they make."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gromega.crystals.io.sites import OVERLAP, SAME_SITE
from gromega.crystals.refusal import Reason, RefusedError

Floats = NDArray[np.float64]

# Å. Images of a full site that are closer than this are one atom: gemmi merges at the
# same distance.
SPECIAL = 0.4
_MOST = 192
_TERM = re.compile(r"([+-]?)(\d+/[1-9]\d*|\d*\.\d+|\d+\.?)?\*?([xyz]?)")
# Translations that differ by less than a step are equal.
_STEPS = 10**6


@dataclass(frozen=True, eq=False)
class Operations:
    """A group of n operations x → R x + t in fractional coordinates.

    Parameters
    ----------
    rotations, translations
        R, (n, 3, 3), and t, (n, 3).
    """

    rotations: Floats
    translations: Floats

    @property
    def centring(self) -> int:
        """The number of lattice points in the cell."""
        return max(1, int((self.rotations == np.eye(3)).all(axis=(1, 2)).sum()))

    def fits(self, lattice: Floats) -> bool:
        """Return whether a lattice, (3, 3), has the symmetry of the operations."""
        metric = lattice @ lattice.T
        turned = np.swapaxes(self.rotations, 1, 2) @ metric @ self.rotations
        lengths = np.sqrt(np.diag(metric))
        return bool(
            (np.abs(turned - metric) <= 0.03 * np.outer(lengths, lengths)).all()
        )

    def orbit(
        self, site: Floats, errors: Floats, full: bool, lattice: Floats
    ) -> Floats:
        """Return the atoms of a site, (m, 3).

        A site that lies on a special position within the `errors` of its coordinates,
        (3,), is moved there: 0.33 of two digits to 1/3. Images of a full site that are
        very close are one atom even if they do not, as two atoms cannot be.
        """
        for part in (1.0, 0.5, 0.0):
            moved = self._special(site, part * errors)
            off = np.abs(moved - site)
            # Images that are farther apart than any overlap may be two atoms.
            near = np.linalg.norm((moved - site) @ lattice) < OVERLAP / 2
            if (off <= 1.02 * part * errors + 1e-5).all() and near:
                site = moved
                break
        images = (self.rotations @ site + self.translations) % 1.0
        # Images that are closer than atoms of one site are one atom: 0.3330 is 1/3.
        return _merge(images, lattice, SPECIAL if full else SAME_SITE)

    def _special(self, site: Floats, errors: Floats) -> Floats:
        """Return the nearest special position."""
        reach = np.abs(self.rotations - np.eye(3)) @ (1.001 * errors) + 2e-6
        moved = site
        for _ in range(20):
            steps = self.rotations @ moved + self.translations - moved
            steps -= np.round(steps)
            near = (np.abs(steps) <= reach).all(axis=1)
            shift = steps[near].mean(axis=0)
            moved = moved + shift
            if np.abs(shift).max() < 1e-12:
                break
        return moved


def _merge(images: Floats, lattice: Floats, near: float) -> Floats:
    """Return the mean of each cluster of images closer than a distance in Å."""
    atoms: list[Floats] = []
    while len(images):
        steps = images - images[0]
        steps -= np.round(steps)
        together = np.linalg.norm(steps @ lattice, axis=1) < near
        atoms.append(images[0] + steps[together].mean(axis=0))
        images = images[~together]
    return np.array(atoms) % 1.0


@lru_cache(256)
def read_operations(texts: tuple[str, ...], shifts: tuple[str, ...] = ()) -> Operations:
    """Return the group of some operations such as ``-x,y+1/2,z``, and of centrings.

    A repeated operation counts once. Raise RefusedError if one cannot be read, or they
    are not a group.
    """
    listed = [_read(text) for text in texts]
    if shifts:
        moves = [_read(text)[1] for text in shifts]
        listed = [(rotation, t + move) for rotation, t in listed for move in moves]
    rotations = np.array([rotation for rotation, _ in listed])
    translations = np.array([translation for _, translation in listed]) % 1.0
    _, first = np.unique(_keys(rotations, translations), return_index=True)
    kept = np.sort(first)
    group = Operations(rotations[kept], translations[kept])
    whole = np.allclose(np.abs(np.linalg.det(group.rotations)), 1.0)
    if len(kept) > _MOST or not whole or not _is_closed(group):
        raise RefusedError(Reason.UNREADABLE, "the symmetry operations are not a group")
    return group


@lru_cache(8192)
def _read(text: str) -> tuple[Floats, Floats]:
    """Return R and t of an operation. A time reversal behind it is left out."""
    parts = text.lower().replace(" ", "").split(",")
    rotation, translation = np.zeros((3, 3)), np.zeros(3)
    if len(parts) not in (3, 4) or parts[3:] not in ([], ["+1"], ["-1"], ["1"]):
        raise _unreadable(text)
    for row, part in enumerate(parts[:3]):
        terms = _TERM.findall(part)
        if not part or "".join(map("".join, terms)) != part.replace("*", ""):
            raise _unreadable(text)
        for sign, number, axis in terms:
            if not (number or axis):
                if sign:
                    raise _unreadable(text)
                continue
            size = _fraction(number) if number else Fraction(1)
            value = float(-size if sign == "-" else size)
            if axis:
                rotation[row, "xyz".index(axis)] += value
            else:
                translation[row] += value
    if not np.array_equal(rotation, np.round(rotation)):
        raise _unreadable(text)
    return rotation, translation


def _fraction(text: str) -> Fraction:
    """Return the fraction that a number means: 0.333 is a third."""
    exact = Fraction(text)
    digits = len(text.partition(".")[2])
    rounded = exact.limit_denominator(12)
    close = digits > 1 and abs(rounded - exact) < Fraction(1, 10**digits)
    return rounded if close else exact


def _unreadable(text: str) -> RefusedError:
    return RefusedError(Reason.UNREADABLE, f"a symmetry operation: {text!r}")


def _keys(rotations: Floats, translations: Floats) -> NDArray[np.int64]:
    """Return a number for each operation, equal for equal ones up to a lattice vector.

    The leading axes of (..., 3, 3) and (..., 3) are kept.
    """
    steps = np.round(translations * _STEPS).astype(np.int64) % _STEPS
    turns = np.round(rotations).astype(np.int64).reshape(*rotations.shape[:-2], 9)
    key = np.zeros(turns.shape[:-1], np.int64)
    # Sums modulo 2^64 with odd factors: equal operations have equal keys.
    for k in range(9):
        key = key * 7 + turns[..., k] + 3
    for k in range(3):
        key = key * np.int64(1_000_003) + steps[..., k]
    return key


def _is_closed(group: Operations) -> bool:
    """Return whether the product of any two operations is one of them."""
    turns, moves = group.rotations, group.translations
    products = np.einsum("aij,bjk->abik", turns, turns)
    shifts = np.einsum("aij,bj->abi", turns, moves) + moves[:, None]
    own = _keys(turns, moves)
    return bool(np.isin(_keys(products, shifts), own).all())


def cell_of(lattice: Floats) -> Sequence[float]:
    """Return a, b, c (Å) and the angles (degrees) of a lattice."""
    lengths = np.linalg.norm(lattice, axis=1)
    unit = lattice / lengths[:, None]
    cosines = [unit[i] @ unit[j] for i, j in ((1, 2), (0, 2), (0, 1))]
    return [*lengths.tolist(), *np.degrees(np.arccos(cosines)).tolist()]
