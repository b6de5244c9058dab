"""The experimental conditions Ω that turn a crystal into a measured G(r)."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from numbers import Real
from typing import Any

RADIATIONS = ("xray", "neutron")
GRID_STEP = math.pi / 40
"""Step of the r grid on which G(r) is calculated, Δ = π/40 Å (Table 1)."""
MAX_RMAX = 500.0
"""The longest rmax, Å: a matrix of the grid up to there and back takes 0.5 GB."""


@dataclass(frozen=True)
class Conditions:
    """The conditions of one PDF measurement; the defaults are the reference.

    The reference is Table 1 of Lan, Liu, Du & Billinge: what the model of the
    paper was trained on.

    Parameters
    ----------
    rmin, rmax
        The range of G(r) in Å.
    qmin, qmax
        The range of the measured F(Q) in Å⁻¹; F is zero outside.
    qdamp
        The instrumental damping of G(r), exp(-(r Qdamp)²/2), in Å⁻¹.
    qbroad
        The instrumental broadening of the peaks with r, in Å⁻¹.
    uiso
        The isotropic displacement parameter of every atom in Å².
    delta1, delta2
        The correlated motion of near neighbours in Å and Å²:
        σ² = 2 Uiso (1 - δ1/d - δ2/d² + Qbroad² d²).
    diameter
        The diameter of a spherical crystallite in Å; infinite in a bulk crystal.
    noise
        The r.m.s. of the noise in G(r) over the r.m.s. of G(r) itself. The noise
        is random in the measured band of F(Q), so it is correlated in r.
    r_offset, r_scale
        The error of the calibration: what truly lies at r is found at
        r_scale · r + r_offset (Å). 1 and 0 Å without an error.
    radiation
        The radiation, ``"xray"`` or ``"neutron"``.

    Raises
    ------
    ValueError
        If a value is not finite, not allowed, or contradicts another one.
    """

    rmin: float = 1.5
    rmax: float = 30.0
    qmin: float = 0.5
    qmax: float = 23.0
    qdamp: float = 0.04
    qbroad: float = 0.01
    uiso: float = 0.008
    delta1: float = 0.0
    delta2: float = 0.0
    diameter: float = math.inf
    noise: float = 0.0
    r_offset: float = 0.0
    r_scale: float = 1.0
    radiation: str = "xray"

    def __post_init__(self) -> None:
        for name in NUMERIC_FIELDS:
            given = getattr(self, name)
            if isinstance(given, bool) or not isinstance(given, float | Real):
                raise ValueError(f"{name} must be a number, got {given!r}.")
            value = float(given)
            object.__setattr__(self, name, value)
            if not math.isfinite(value) and not (name == "diameter" and value > 0):
                raise ValueError(f"{name} must be finite, got {value}.")
            if value < 0 and name != "r_offset":
                raise ValueError(f"{name} must not be negative, got {value:g}.")
        for name in ("diameter", "uiso", "r_scale"):
            if getattr(self, name) == 0:
                raise ValueError(f"{name} must be above 0, got 0.")
        if abs(self.r_offset) > 1 or not 0.8 <= self.r_scale <= 1.25:
            raise ValueError(
                "r_offset must be at most 1 Å and r_scale from 0.8 to 1.25, got "
                f"{self.r_offset:g} Å and {self.r_scale:g}: no calibration is so wrong."
            )
        for low, high in (("rmin", "rmax"), ("qmin", "qmax")):
            if getattr(self, high) <= getattr(self, low):
                raise ValueError(
                    f"{high} must be above {low}, got {low} {getattr(self, low):g} "
                    f"and {high} {getattr(self, high):g}."
                )
        if self.rmax > MAX_RMAX:
            raise ValueError(f"rmax must be at most {MAX_RMAX:g} Å, got {self.rmax:g}.")
        if self.qmax >= math.pi / GRID_STEP:
            raise ValueError(
                f"qmax must be below {math.pi / GRID_STEP:g} Å⁻¹, the highest Q that "
                f"the r grid of π/40 Å can hold, got {self.qmax:g}."
            )
        if self.radiation not in RADIATIONS:
            raise ValueError(
                f"radiation must be one of {', '.join(RADIATIONS)}, "
                f"got {self.radiation!r}."
            )

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "Conditions":
        """Return the conditions of a mapping, the reference where it is silent.

        Raises
        ------
        ValueError
            If a key is not the name of a condition, or a value is not allowed.
        """
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise ValueError(
                    f"there is no condition {name!r}; the conditions are "
                    f"{', '.join(known)}."
                )
        values = {k: math.inf if v is None else v for k, v in values.items()}
        return cls(**values)

    def to_mapping(self) -> dict[str, Any]:
        """Return the conditions as JSON can hold them (infinite diameter: None)."""
        values = asdict(self)
        if math.isinf(self.diameter):
            values["diameter"] = None
        return values

    def at(self, **values: Any) -> "Conditions":
        """Return the same conditions with some values replaced."""
        return replace(self, **values)


NUMERIC_FIELDS = tuple(f.name for f in fields(Conditions) if f.name != "radiation")
REFERENCE = Conditions()


Range = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A range for every numeric condition, to draw random conditions from.

    The defaults cover and exceed the sweeps of the paper, and what is usual at
    beamlines.

    Parameters
    ----------
    rmin, rmax, qmin, qmax, qdamp, qbroad, uiso, delta1, delta2, diameter, noise
        The lowest and the highest value of each condition, as in `Conditions`.
    r_offset, r_scale
        The same for the errors of the calibration.

    Raises
    ------
    ValueError
        If a range is not two values in order, or holds a value that is not allowed.
    """

    rmin: Range = (1.5, 1.5)
    rmax: Range = (8.0, 30.0)
    qmin: Range = (0.0, 2.0)
    qmax: Range = (10.0, 32.0)
    qdamp: Range = (0.0, 0.17)
    qbroad: Range = (0.0, 0.05)
    uiso: Range = (0.002, 0.025)
    delta1: Range = (0.0, 1.0)
    delta2: Range = (0.0, 3.0)
    diameter: Range = (10.0, math.inf)
    noise: Range = (0.0, 0.15)
    r_offset: Range = (-0.03, 0.03)
    r_scale: Range = (0.995, 1.005)

    def __post_init__(self) -> None:
        for name in NUMERIC_FIELDS:
            given = getattr(self, name)
            if len(given) != 2 or not given[0] <= given[1]:
                raise ValueError(
                    f"the box of {name} must be a lowest and a highest value, got "
                    f"{given!r}."
                )
            object.__setattr__(self, name, (float(given[0]), float(given[1])))
        for end in (0, 1):
            Conditions(**{name: getattr(self, name)[end] for name in NUMERIC_FIELDS})
        for low, high in (("rmin", "rmax"), ("qmin", "qmax")):
            if getattr(self, low)[1] >= getattr(self, high)[0]:
                raise ValueError(
                    f"the box of {low} must end below that of {high}, got "
                    f"{getattr(self, low)} and {getattr(self, high)}."
                )

    @classmethod
    def around(cls, conditions: Conditions) -> "Box":
        """Return the box that holds nothing but some conditions."""
        return cls(**{n: (getattr(conditions, n),) * 2 for n in NUMERIC_FIELDS})

    def outside(self, conditions: Conditions) -> list[str]:
        """Return the names of the conditions that lie outside of the box."""
        return [
            name
            for name in NUMERIC_FIELDS
            if not getattr(self, name)[0]
            <= getattr(conditions, name)
            <= getattr(self, name)[1]
        ]

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "Box":
        """Return the box of a mapping, as `to_mapping` makes it."""
        ends: dict[str, Any] = {
            name: tuple(math.inf if end is None else end for end in pair)
            for name, pair in values.items()
        }
        return cls(**ends)

    def to_mapping(self) -> dict[str, list[float | None]]:
        """Return the box as JSON can hold it (infinite diameter: None)."""
        return {
            name: [None if math.isinf(end) else end for end in pair]
            for name, pair in asdict(self).items()
        }
