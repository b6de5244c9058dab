"""Functions of r and Q from which G(r) can be computed, and their units."""

import math

import numpy as np
from numpy.typing import NDArray

from gromega.crystals.composition import nuclide, parse_composition
from gromega.measured.options import R_UNITS

Floats = NDArray[np.float64]

# With r in nm, G(r), D(r) and T(r) are in nm⁻², R(r) and F(Q) are in nm⁻¹.
_POWERS = {"G(r)": 2, "D(r)": 2, "T(r)": 2, "R(r)": 1, "F(Q)": 1}
OF_Q = frozenset({"F(Q)", "Keen F(Q)", "S(Q)", "S(Q)-1"})
"""The functions of Q."""
_TRANSFORM_STEP, _TRANSFORM_RMAX = 0.02, 35.0  # Å


def to_angstroms(
    quantity: str, unit: str, x: Floats, y: Floats, y_unit: str = ""
) -> tuple[Floats, Floats]:
    """Return r or Q and a function of it in Å from those in units of `R_UNITS`.

    The unit of a function is that of r, if it is not another length.
    """
    size = R_UNITS[unit]
    x = x / size if quantity in OF_Q else x * size
    y_size = R_UNITS.get(y_unit, size)
    return x, y / y_size ** _POWERS.get(quantity, 0)


def sine_transform(
    quantity: str, q: Floats, y: Floats, composition: str | None, notes: list[str]
) -> tuple[Floats, Floats]:
    """Return r in Å and G(r) in Å⁻², (n_r,), from one of `OF_Q`, (n,), at Q in Å⁻¹.

    With the mean scattering length <b> in 10⁻¹² cm (Egami & Billinge, Underneath the
    Bragg Peaks, 2012, eq. 3.20; Keen, J. Appl. Cryst. 34 (2001) 172),

        G(r) = 2/π ∫ F(Q) sin(Qr) dQ,   F(Q) = Q (S(Q) - 1) = Q F_Keen(Q) / <b>²,

    from the first to the last Q, by the trapezoidal rule. G(r) ends where the steps of
    Q do not represent it any more. Notes of the transform are added to `notes`.
    """
    steps = np.diff(q)
    rmax = min(_TRANSFORM_RMAX, math.pi / float(steps.max()))
    if quantity != "F(Q)":
        y = q * (y - 1 if quantity == "S(Q)" else y)
    if quantity == "Keen F(Q)" and composition is not None:
        y = y / mean_length(composition) ** 2
    elif quantity == "Keen F(Q)":
        notes.append(_SCALE_NOTE.format(quantity, "composition"))
    weights = np.zeros_like(q)
    weights[1:] += steps / 2
    weights[:-1] += steps / 2
    r: Floats = _TRANSFORM_STEP * np.arange(1.0, rmax / _TRANSFORM_STEP + 1e-9)
    notes.append(
        f"{quantity} was transformed to G(r) from Q = {q[0]:.4g} to {q[-1]:.4g} Å⁻¹."
    )
    g: Floats = np.sin(np.outer(r, q)) @ (weights * y) * (2 / math.pi)
    return r, g


_SCALE_NOTE = (
    "{} was converted to G(r) on an arbitrary scale; an absolute scale needs {}. The "
    "space group does not depend on the scale."
)


def to_g(
    quantity: str,
    r: Floats,
    y: Floats,
    composition: str | None,
    density: float | None,
    notes: list[str],
) -> Floats:
    """Return G(r), (n,) in Å⁻², from another function of r, (n,), with r in Å.

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
    if quantity == "G(r)/r":
        notes.append(_SCALE_NOTE.format("It", "quantity"))
        return r * y
    length = None
    if quantity in ("g(r)", "g(r)-1"):
        y, length = (y - 1 if quantity == "g(r)" else y), 1.0
    elif composition is not None and density is not None:
        length = mean_length(composition)
    if density is not None and length is not None:
        notes.append(f"{quantity} was converted to G(r).")
        return 4 * math.pi * density * r * y / length**2
    values = {"number_density": density, "composition": length or composition}
    missing = " and ".join(name for name, value in values.items() if value is None)
    notes.append(_SCALE_NOTE.format(quantity, missing))
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
