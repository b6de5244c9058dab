"""Make the table of translationengleiche subgroups of the space groups.

    python tools/t_subgroups.py

The output is src/gromega/crystals/t_subgroups.json: for each of the 230 groups the
numbers of its t-subgroups, with its own. It takes half a minute.
"""

import json
import warnings
from functools import cache
from pathlib import Path

import gemmi
import numpy as np
import spglib

OUT = Path(__file__).parents[1] / "src/gromega/crystals/t_subgroups.json"


def t_subgroups(space_group: int) -> list[int]:
    """Return the t-subgroups of a space group, including itself and P1."""
    operations = list(gemmi.find_spacegroup_by_number(space_group).operations())
    rotations = np.array([op.rot for op in operations]) // gemmi.Op.DEN
    translations = np.array([op.tran for op in operations]) / gemmi.Op.DEN
    kinds, of = np.unique(rotations.reshape(-1, 9), axis=0, return_inverse=True)
    found = set()
    for kept in _subgroups(tuple(map(tuple, kinds.tolist()))):
        inside = np.isin(of.reshape(-1), list(kept))
        with warnings.catch_warnings():
            # spglib warns that a future version raises instead of returning None.
            warnings.simplefilter("ignore", DeprecationWarning)
            kind = spglib.get_spacegroup_type_from_symmetry(
                rotations[inside].astype(np.int32), translations[inside], symprec=1e-4
            )
        if kind is not None:
            found.add(int(kind.number))
    return sorted(found)


@cache
def _subgroups(rotations: tuple[tuple[int, ...], ...]) -> frozenset[frozenset[int]]:
    """Return all subgroups of a point group, as sets of indices of its rotations."""
    matrices = np.array(rotations).reshape(-1, 3, 3)
    index = {rotation: k for k, rotation in enumerate(rotations)}
    products = np.einsum("aij,bjk->abik", matrices, matrices).reshape(-1, 9)
    n = len(rotations)
    table = [index[tuple(row)] for row in products.tolist()]
    identity = index[(1, 0, 0, 0, 1, 0, 0, 0, 1)]

    def closure(elements: frozenset[int]) -> frozenset[int]:
        found, new = set(elements), list(elements)
        while new:
            a = new.pop()
            for b in list(found):
                for c in (table[a * n + b], table[b * n + a]):
                    if c not in found:
                        found.add(c)
                        new.append(c)
        return frozenset(found)

    known = {frozenset([identity])}
    waiting = list(known)
    while waiting:
        group = waiting.pop()
        for element in range(n):
            if element not in group:
                larger = closure(group | {element})
                if larger not in known:
                    known.add(larger)
                    waiting.append(larger)
    return frozenset(known)


if __name__ == "__main__":
    table = {str(number): t_subgroups(number) for number in range(1, 231)}
    rows = (f'"{number}": {json.dumps(found)}' for number, found in table.items())
    OUT.write_text("{\n" + ",\n".join(rows) + "\n}\n")
