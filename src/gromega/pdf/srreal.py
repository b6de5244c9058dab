"""The optional engine srreal: G(r) from PDFCalculator of diffpy.srreal."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gromega.conditions import GRID_STEP, REFERENCE, Conditions
from gromega.crystals.crystal import Crystal, nuclide_symbol
from gromega.pdf.operator import calculation_grid

MISSING = (
    "the engine 'srreal' needs diffpy.srreal, which cannot be imported: its wheels "
    "on PyPI lack libdiffpy. Get it from conda-forge: conda env create -f "
    "environment.yml, or use the engine 'native'."
)
_SET_TABLE = "setScatteringFactorTableByType"


def available() -> bool:
    """Return whether diffpy.srreal can be imported."""
    try:
        from diffpy.srreal.pdfcalculator import PDFCalculator  # noqa: F401
    except ImportError:
        return False
    return True


def pdf(crystals: Sequence[Crystal], conditions: Conditions) -> NDArray[np.float32]:
    """Return G(r), (n, n_r) in Å⁻², on the grid k π/40 Å within [rmin, rmax].

    The noise of the conditions is not added. Raise ImportError without diffpy, and
    ValueError for a calibration error of r, which PDFCalculator does not have.
    """
    for name in ("r_offset", "r_scale"):
        value = getattr(conditions, name)
        if value != getattr(REFERENCE, name):
            raise ValueError(
                f"the engine 'srreal' has no {name}, got {value:g}; use the engine "
                "'native'."
            )
    try:
        from diffpy.srreal.pdfcalculator import PDFCalculator
    except ImportError as error:
        raise ImportError(MISSING) from error
    calculator = PDFCalculator(rstep=GRID_STEP)
    for name in ("rmin", "qmin", "qmax", "qdamp", "qbroad", "delta1", "delta2"):
        setattr(calculator, name, getattr(conditions, name))
    # PDFCalculator leaves out an rmax that is on the grid.
    calculator.rmax = conditions.rmax + 1e-6 * GRID_STEP
    if np.isfinite(conditions.diameter):
        calculator.addEnvelope("sphericalshape")
        calculator.spdiameter = conditions.diameter
    if conditions.radiation == "neutron":
        # The name from the release after 1.4 on, which deprecates the other one.
        setters = ("set_scattering_factor_table_by_type", _SET_TABLE)
        getattr(calculator, next(n for n in setters if hasattr(calculator, n)))(
            "neutron"
        )
    g = np.empty((len(crystals), calculation_grid(conditions).size), np.float32)
    for row, crystal in zip(g, crystals, strict=True):
        row[:] = calculator(_structure(crystal, conditions))[1]
    return g


def _structure(crystal: Crystal, conditions: Conditions) -> Any:
    """Return the diffpy.structure of a crystal; a left-handed one is inverted."""
    from diffpy.structure import Atom, Lattice, Structure

    handedness = np.sign(np.linalg.det(crystal.lattice))
    structure = Structure(lattice=Lattice(base=handedness * crystal.lattice))
    # Isotopes matter for neutrons only.
    is_neutron = conditions.radiation == "neutron"
    nuclides = crystal.nuclides if is_neutron else crystal.numbers
    for nuclide, xyz, occupancy in zip(
        nuclides, crystal.frac, crystal.occupancy, strict=True
    ):
        # diffpy writes 7-Li, but D.
        symbol = re.sub(r"^(\d+)", r"\1-", nuclide_symbol(int(nuclide)))
        atom = Atom(symbol, list(xyz))
        atom.occupancy = float(occupancy)
        structure.append(atom)
        structure[-1].Uisoequiv = conditions.uiso
    return structure
