"""The Wyckoff positions of a space group: orbits to place atoms on."""

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
    """A space group in its primitive basis, with its Wyckoff positions.

    The basis vectors are rows, in coordinates of the conventional cell. Position k has
    letter ``letters[k]``, ``multiplicities[k]`` atoms in the primitive cell and 0 to 3
    free coordinates, ``freedoms[k]``. It holds every ``points[k] + directions[k] @ u``;
    the first operations in ``cosets[k]``, as many as its multiplicity, make its orbit.
    """

    number: int
    basis: Floats
    rotations: Floats
    translations: Floats
    letters: str
    multiplicities: Integers
    freedoms: Integers
    points: Floats
    directions: Floats
    cosets: Integers

    def orbits(self, k: int, u: Floats) -> Floats:
        """Return orbits on position k at free coordinates u (n, 3), (n, m, 3)."""
        points = self.points[k] + u @ self.directions[k].T
        operations = self.cosets[k, : self.multiplicities[k]]
        turned = np.einsum("mij,nj->nmi", self.rotations[operations], points)
        return turned + self.translations[operations]


@cache
def load_group(number: int) -> WyckoffGroup:
    """Return the space group of a number, 1 to 230."""
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
    first = _coincide(images[:, :, None], images[:, None]).argmax(axis=2)
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
    """The Wyckoff positions of a space group, and how letters may be exchanged.

    A position is a triplet such as ``x,x,1/4``, by letter. An exchange is a permutation
    of the letters, written as the images of all in turn; the exchanges generate all
    that a change of origin and axes does to the letters.
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


def _coincide(a: Floats, b: Floats) -> NDArray[np.bool_]:
    difference = a - b
    return np.all(abs(difference - np.round(difference)) < 1e-6, axis=-1)
