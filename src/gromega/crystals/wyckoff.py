"""The Wyckoff positions of a space group, and their orbits."""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import gemmi
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class WyckoffGroup:
    """A space group in its primitive basis, with its n_positions Wyckoff positions.

    The sites of position k are ``points[k] + directions[k] @ u`` with free coordinates
    u. The first ``multiplicities[k]`` indices in row k of ``cosets`` are those of the
    operations x → R x + t that make the orbit of a site.
    """

    number: int
    basis: Floats  # primitive vectors as rows, in the conventional cell, (3, 3)
    rotations: Floats  # R in primitive coordinates, (n, 3, 3)
    translations: Floats  # t, (n, 3)
    letters: str
    multiplicities: Integers  # in the primitive cell, (n_positions,)
    freedoms: Integers  # the numbers of free coordinates, 0 to 3, (n_positions,)
    points: Floats  # (n_positions, 3)
    directions: Floats  # (n_positions, 3, 3)
    cosets: Integers  # (n_positions, n)

    def orbits(self, k: int, u: Floats) -> Floats:
        """Return the orbits on position k, (n, m, 3) in primitive coordinates.

        `u` holds the free coordinates, (n, 3).
        """
        points = self.points[k] + u @ self.directions[k].T
        operations = self.cosets[k, : self.multiplicities[k]]
        turned = np.einsum("mij,nj->nmi", self.rotations[operations], points)
        orbits: Floats = turned + self.translations[operations]
        return orbits


@cache
def load_group(number: int) -> WyckoffGroup:
    """Return a space group, 1 to 230, with its Wyckoff positions."""
    setting = gemmi.get_spacegroup_reference_setting(number)
    operations = list(setting.operations().sym_ops)
    primitive = np.array(setting.centred_to_primitive().rot) / gemmi.Op.DEN
    to_primitive = np.linalg.inv(primitive)
    rotations = np.array([operation.rot for operation in operations]) / gemmi.Op.DEN
    rotations = np.round(to_primitive @ rotations @ primitive)
    translations = np.array([operation.tran for operation in operations])
    translations = translations / gemmi.Op.DEN @ to_primitive.T
    positions = {k: gemmi.Op(text) for k, text in wyckoff(number).positions.items()}
    directions = np.array([op.rot for op in positions.values()]) / gemmi.Op.DEN
    points = np.array([op.tran for op in positions.values()]) / gemmi.Op.DEN
    freedoms = np.linalg.matrix_rank(directions)
    points, directions = points @ to_primitive.T, to_primitive @ directions
    somewhere = points + directions @ np.array([0.1371, 0.2239, 0.4127])
    images = np.einsum("nij,kj->kni", rotations, somewhere) + translations
    apart = images[:, :, None] - images[:, None]
    same = (abs(apart - np.round(apart)) < 1e-6).all(axis=-1)
    first = same.argmax(axis=2)
    is_coset = first == np.arange(len(rotations))
    return WyckoffGroup(
        number=number,
        basis=primitive.T,
        rotations=rotations,
        translations=translations,
        letters="".join(positions),
        multiplicities=is_coset.sum(axis=1),
        freedoms=freedoms,
        points=points,
        directions=directions,
        cosets=np.argsort(~is_coset, axis=1, kind="stable"),
    )


class Wyckoff(NamedTuple):
    """The Wyckoff positions of a space group, and the permutations of their letters.

    `positions` has coordinates such as ``x,x,1/4`` by letter. Each of `exchanges` is
    written as the images of all letters in turn; they generate all permutations that a
    change of origin and axes makes.
    """

    positions: dict[str, str]
    exchanges: list[str]


def wyckoff(number: int) -> Wyckoff:
    """Return the Wyckoff positions of a space group, from ``tools/wyckoff.py``."""
    return Wyckoff(**_wyckoff_table()[str(number)])


@cache
def _wyckoff_table() -> dict[str, Any]:
    path = resources.files("gromega.crystals") / "wyckoff.json"
    table: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return table
