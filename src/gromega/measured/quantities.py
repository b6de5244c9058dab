"""Functions of r from which G(r) can be computed, and their units."""

import math

import numpy as np
from numpy.typing import NDArray

from gromega.crystals.composition import nuclide, parse_composition
from gromega.measured.options import R_UNITS

Floats = NDArray[np.float64]

# With r in nm, G(r), D(r) and T(r) are in nm⁻², R(r) is in nm⁻¹.
_POWERS = {"G(r)": 2, "D(r)": 2, "T(r)": 2, "R(r)": 1}


def to_angstroms(
    quantity: str, unit: str, r: Floats, y: Floats
) -> tuple[Floats, Floats]:
    """Return r and a function of r in Å from those in another unit of `R_UNITS`."""
    size = R_UNITS[unit]
    return r * size, y / size ** _POWERS.get(quantity, 0)


def to_g(
    quantity: str,
    r: Floats,
    y: Floats,
    composition: str | None,
    density: float | None,
    notes: list[str],
) -> Floats:
    """Return G(r), (n,) in Å⁻², from another of `options.FUNCTIONS`, (n,), with r in Å.

    With the mean scattering length <b> in 10⁻¹² cm and the number density ρ0 in Å⁻³
    (Keen, J. Appl. Cryst. 34 (2001) 172),

        G(r) = 4π ρ0 r G_Keen(r) / <b>²   = 4π ρ0 r (g(r) - 1)
             = T(r) - 4π ρ0 r             = R(r)/r - 4π ρ0 r.

    A note of the conversion is added to `notes`. Raise ValueError if the conversion
    needs a number density that is not given.
    """
    if quantity == "G(r)":
        return y
    if quantity == "D(r)":
        notes.append("D(r) was used as G(r); they differ by a factor only.")
        return y
    if quantity in ("T(r)", "R(r)"):
        if density is None:
            raise ValueError(
                f"it holds {quantity}; give number_density to convert it to G(r)"
            )
        notes.append(f"{quantity} was converted to G(r).")
        if quantity == "R(r)":
            y = np.divide(y, r, out=np.zeros_like(y), where=r > 0)
        return y - 4 * math.pi * density * r
    length = None
    if quantity == "g(r)":
        y, length = y - 1, 1.0
    elif composition is not None and density is not None:
        length = mean_length(composition)
    if density is not None and length is not None:
        notes.append(f"{quantity} was converted to G(r).")
        return 4 * math.pi * density * r * y / length**2
    values = {"number_density": density, "composition": length or composition}
    missing = " and ".join(name for name, value in values.items() if value is None)
    notes.append(
        f"{quantity} was converted to G(r) on an arbitrary scale; an absolute scale "
        f"needs {missing}. The space group does not depend on the scale."
    )
    return r * y


def mean_length(composition: str) -> float:
    """Return the mean neutron scattering length of a composition in 10⁻¹² cm."""
    amounts = parse_composition(composition)
    atoms = [nuclide(key) for key in amounts]
    counts = np.array(list(amounts.values()))
    lengths = np.array([atom.neutron.b_c for atom in atoms], float)
    mean = float(counts @ lengths / counts.sum())
    if not math.isfinite(mean) or mean == 0:
        raise ValueError(
            f"composition {composition!r}: its mean neutron scattering length is "
            "unknown or zero, so G(r) has no absolute scale; leave out number_density"
        )
    return mean / 10
