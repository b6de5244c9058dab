"""Space groups of crystals, by spglib."""

import warnings

import numpy as np
import spglib

from gromega.crystals.crystal import Crystal

STRICT, LOOSE = 0.01, 0.1
"""The two tolerances (Å) at which a space group is determined: if they disagree,
the label is not to be trusted."""


def space_group(crystal: Crystal, symprec: float = STRICT) -> int:
    """Return the space group number of a crystal.

    Sites of the same element with different occupancies are told apart.

    Parameters
    ----------
    crystal
        The crystal.
    symprec
        The tolerance on positions in Å.

    Raises
    ------
    ValueError
        If spglib finds no space group, as when atoms overlap.
    """
    kinds = np.stack([crystal.numbers, np.round(crystal.occupancy * 1000)], axis=1)
    _, types = np.unique(kinds, axis=0, return_inverse=True)
    kind = (types.ravel() + 1).tolist()
    cell = (crystal.lattice.tolist(), crystal.frac.tolist(), kind)
    with warnings.catch_warnings():
        # spglib announces that it will raise where it now returns None.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            data = spglib.get_symmetry_dataset(cell, symprec=symprec)
        except spglib.SpglibError:
            data = None
    if data is None:
        raise ValueError(
            f"crystal {crystal.id!r}: spglib finds no space group at symprec "
            f"{symprec:g} Å; do atoms overlap?"
        )
    return int(data.number)
