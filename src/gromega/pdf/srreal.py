"""The optional engine srreal: G(r) from PDFCalculator of diffpy.srreal."""

from collections.abc import Sequence

import numpy as np
import periodictable
from numpy.typing import NDArray

from gromega.conditions import GRID_STEP, Conditions
from gromega.crystals.crystal import Crystal

MISSING = (
    "the engine 'srreal' needs diffpy.srreal, which cannot be imported: its wheels "
    "on PyPI lack libdiffpy. Get it from conda-forge: conda env create -f "
    "environment.yml, or use the engine 'native'."
)


def available() -> bool:
    """Return whether diffpy.srreal can be imported."""
    try:
        from diffpy.srreal.pdfcalculator import PDFCalculator  # noqa: F401
    except ImportError:
        return False
    return True


def pdf(crystals: Sequence[Crystal], conditions: Conditions) -> NDArray[np.float32]:
    """Return G(r), (n, n_r) in Å⁻², on the grid k π/40 Å within [rmin, rmax].

    The noise of the conditions is not added. Raise ImportError without diffpy.
    """
    try:
        from diffpy.srreal.pdfcalculator import PDFCalculator
        from diffpy.structure import Atom, Lattice, Structure
    except ImportError as error:
        raise ImportError(MISSING) from error
    calculator = PDFCalculator(rstep=GRID_STEP)
    names = ("rmin", "rmax", "qmin", "qmax", "qdamp", "qbroad", "delta1", "delta2")
    for name in names:
        setattr(calculator, name, getattr(conditions, name))
    if np.isfinite(conditions.diameter):
        calculator.addEnvelope("sphericalshape")
        calculator.spdiameter = conditions.diameter
    if conditions.radiation == "neutron":
        calculator.setScatteringFactorTableByType("neutron")
    curves = []
    for crystal in crystals:
        structure = Structure(lattice=Lattice(base=crystal.lattice))
        for number, xyz, occupancy in zip(
            crystal.numbers, crystal.frac, crystal.occupancy, strict=True
        ):
            atom = Atom(periodictable.elements[int(number)].symbol, list(xyz))
            atom.occupancy = float(occupancy)
            structure.append(atom)
            structure[-1].Uisoequiv = conditions.uiso
        _, g = calculator(structure)
        curves.append(g)
    return np.array(curves, dtype=np.float32)
