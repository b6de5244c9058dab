"""The cell of a CIF block."""

from collections.abc import Sequence

import gemmi
import numpy as np
from numpy.typing import NDArray

from gromega.crystals.io.atom_sites import number_of
from gromega.crystals.io.operations import Operations
from gromega.crystals.io.sites import check_cell
from gromega.crystals.refusal import Reason, RefusedError

Floats = NDArray[np.float64]

_ANGLES = ("angle_alpha", "angle_beta", "angle_gamma")
_TAGS = ("length_a", "length_b", "length_c", *_ANGLES)
# The share by which the stated volume may differ. It may be older than the cell: in
# COD 5910153 (WO2), it is 13 % smaller.
_VOLUME = 0.25


def read_lattice(block: gemmi.cif.Block) -> Floats:
    """Return the lattice of a block, (3, 3) in Å.

    gemmi itself reads a bad cell as 1 Å × 1 Å × 1 Å. Raise RefusedError if the cell is
    impossible, or has not the stated volume.
    """
    texts = _texts(block)
    values = [number_of(x, tag, Reason.BAD_CELL) for tag, x in texts.items()]
    if not (all(x > 0 for x in values) and all(x < 180 for x in values[3:])):
        text = ", ".join(f"{tag} {x}" for tag, x in texts.items())
        raise RefusedError(Reason.BAD_CELL, f"got {text}")
    lattice = _lattice(values)
    check_cell(lattice)
    volume = float(np.linalg.det(lattice))
    stated = float(gemmi.cif.as_number(block.find_value("_cell_volume") or "?"))
    if abs(stated - volume) > _VOLUME * volume:
        raise RefusedError(
            Reason.BAD_CELL,
            f"the volume is {volume:.5g} Å³, the file states {stated:g}: correct one",
        )
    return lattice


def check_angles(block: gemmi.cif.Block, groups: Sequence[Operations]) -> None:
    """Refuse a block without an angle that its symmetry does not force.

    The CIF core dictionary's default angle is 90 degrees.
    """
    missing = [tag for tag in _ANGLES if not block.find_value(f"_cell_{tag}")]
    for tag in missing:
        values = {k: float(gemmi.cif.as_number(x)) for k, x in _texts(block).items()}
        other = _lattice([*(values | {tag: 95.0}).values()])
        if any(group.fits(other) for group in groups):
            raise RefusedError(Reason.BAD_CELL, f"add {tag}, which may be any angle")


def _texts(block: gemmi.cif.Block) -> dict[str, str]:
    values = {tag: block.find_value(f"_cell_{tag}") for tag in _TAGS}
    defaults = {tag: "90" if tag in _ANGLES else "?" for tag in _TAGS}
    return {
        tag: gemmi.cif.as_string(value or defaults[tag]) or "?"
        for tag, value in values.items()
    }


def _lattice(values: Sequence[float]) -> Floats:
    return np.array(gemmi.UnitCell(*values).orth.mat.tolist()).T
