"""Libraries of known crystals."""

import numpy as np

from gromega.model.matches import make_library


def library_of(crystals, spectra):
    """Return the library of crystals, whose space groups are numbered from 1."""
    return make_library(
        np.array([crystal.id for crystal in crystals]),
        [crystal.formula for crystal in crystals],
        np.arange(1, 1 + len(crystals)),
        np.array([crystal.density for crystal in crystals]),
        spectra,
    )
