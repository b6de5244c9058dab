"""The experimental conditions Ω that turn a crystal into a measured G(r)."""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from numbers import Real
from typing import Any

RADIATIONS = ("xray", "neutron")
GRID_STEP = math.pi / 40
"""The step of the r grid on which G(r) is calculated, Δ = π/40 Å (Table 1)."""
MAX_RMAX = 500.0
"""Å, the longest rmax. The matrix of its sine transform takes 0.5 GB."""


@dataclass(frozen=True)
class Quantity:
    """The name, unit, bounds and help of a condition or an option.

    The command line, the web form, plots, cards and docs take theirs from here.
    """

    label: str  # the name in running text, such as Qmax
    symbol: str  # the symbol in plots, in matplotlib's mathtext
    unit: str  # empty for a ratio or a name
    help: str  # one line
    low: float = 0.0
    high: float = math.inf
    open_low: bool = False  # whether `low` itself is not allowed
    open_high: bool = False
    infinite: bool = False  # whether an infinite value is allowed
    choices: tuple[str, ...] = ()  # the allowed values of a name

    @property
    def help_with_unit(self) -> str:
        """The help with the unit at its end."""
        text = self.help.removesuffix(".")
        return f"{text}, in {self.unit}." if self.unit else self.help

    def checked(self, name: str, given: Any) -> Any:
        """Return a value, numbers as floats; raise ValueError if it is not allowed."""
        if self.choices:
            if given not in self.choices:
                raise ValueError(
                    f"{name} must be one of {', '.join(self.choices)}, got {given!r}."
                )
            return given
        if isinstance(given, bool) or not isinstance(given, float | Real):
            raise ValueError(f"{name} must be a number, got {given!r}.")
        value = float(given)
        if not math.isfinite(value) and not (self.infinite and value > 0):
            raise ValueError(f"{name} must be finite, got {value}.")
        if value < self.low or (self.open_low and value == self.low):
            side, bound = "above" if self.open_low else "at least", self.low
        elif value > self.high or (self.open_high and value == self.high):
            side, bound = "below" if self.open_high else "at most", self.high
        else:
            return value
        bounded = f"{side} {self.with_unit(bound)}"
        raise ValueError(f"{name} must be {bounded}, got {value:g}.")

    def with_unit(self, value: float | str | None) -> str:
        """Return a value as text, with its unit; None is infinite.

        A text is a key of `gromega.sweeps.Axis.key`, padded with zeros.
        """
        text = f"{value:g}" if isinstance(value, float | int) else value or "inf"
        text = re.sub("^0+(?=[0-9])", "", text).replace("inf", "∞")
        return f"{text} {self.unit}" if self.unit else text


def _condition(default: Any, *args: Any, **bounds: Any) -> Any:
    return field(default=default, metadata={"quantity": Quantity(*args, **bounds)})


@dataclass(frozen=True)
class Conditions:
    """The conditions of one PDF measurement; the defaults are the reference.

    The reference is Table 1 of Lan, Liu, Du & Billinge: the training conditions of the
    model that the paper tested.

    Parameters
    ----------
    rmin
        The start of the range of G(r) in Å.
    rmax
        The end of the range of G(r) in Å.
    qmin
        The start of the range of the measured F(Q) in Å⁻¹; F is zero below.
    qmax
        The end of the range of the measured F(Q) in Å⁻¹; F is zero from here on.
    qdamp
        The instrumental damping of G(r), exp(-(r Qdamp)²/2), in Å⁻¹.
    qbroad
        The instrumental broadening of the peaks with r, in Å⁻¹.
    uiso
        The isotropic displacement parameter of every atom in Å².
    delta1
        The correlated motion of near neighbours δ1 in Å:
        σ² = 2 Uiso (1 - δ1/d - δ2/d² + Qbroad² d²).
    delta2
        The correlated motion of near neighbours δ2 in Å², in the same formula.
    diameter
        The diameter of a spherical crystallite in Å; infinite in a bulk crystal.
    noise
        The r.m.s. of the noise in G(r) over the r.m.s. of G(r) itself. The noise
        is random in the measured band of F(Q), so it is correlated in r.
    r_offset
        The offset of a calibration error in Å: a distance r is measured as
        r_scale · r + r_offset.
    r_scale
        The scale of a calibration error, in the same formula; 1 without an error.
    radiation
        The radiation, ``"xray"`` or ``"neutron"``.

    Raises
    ------
    ValueError
        If a value is not finite, not allowed, or contradicts another one.
    """

    rmin: float = _condition(
        1.5, "rmin", r"$r_\mathrm{min}$", "Å", "The start of the range of G(r)."
    )
    rmax: float = _condition(
        30.0, "rmax", r"$r_\mathrm{max}$", "Å", "The end of the range of G(r).",
        high=MAX_RMAX,
    )  # fmt: skip
    qmin: float = _condition(
        0.5, "Qmin", r"$Q_\mathrm{min}$", "Å⁻¹", "The start of the range of F(Q)."
    )
    # The r grid of π/40 Å represents Q below 40 Å⁻¹.
    qmax: float = _condition(
        23.0, "Qmax", r"$Q_\mathrm{max}$", "Å⁻¹", "The end of the range of F(Q).",
        high=math.pi / GRID_STEP, open_high=True,
    )  # fmt: skip
    qdamp: float = _condition(
        0.04,
        "Qdamp",
        r"$Q_\mathrm{damp}$",
        "Å⁻¹",
        "The instrumental damping of G(r) with r.",
    )
    qbroad: float = _condition(
        0.01,
        "Qbroad",
        r"$Q_\mathrm{broad}$",
        "Å⁻¹",
        "The instrumental broadening of peaks with r.",
    )
    uiso: float = _condition(
        0.008, "Uiso", r"$U_\mathrm{iso}$", "Å²",
        "The isotropic displacement parameter of all atoms.", open_low=True,
    )  # fmt: skip
    delta1: float = _condition(
        0.0,
        "delta1",
        r"$\delta_1$",
        "Å",
        "The coefficient δ1 of correlated motion (term δ1/r).",
    )
    delta2: float = _condition(
        0.0,
        "delta2",
        r"$\delta_2$",
        "Å²",
        "The coefficient δ2 of correlated motion (term δ2/r²).",
    )
    diameter: float = _condition(
        math.inf, "diameter", "diameter of a sphere", "Å",
        "The diameter of a spherical crystallite (inf: a bulk crystal).",
        open_low=True, infinite=True,
    )  # fmt: skip
    noise: float = _condition(
        0.0,
        "noise",
        "noise over signal",
        "",
        "The r.m.s. of the noise divided by the r.m.s. of G(r).",
    )
    # Larger calibration errors do not occur.
    r_offset: float = _condition(
        0.0, "r offset", "error of r", "Å",
        "The additive calibration error of r.",
        low=-1.0, high=1.0,
    )  # fmt: skip
    r_scale: float = _condition(
        1.0, "r scale", "scale of r", "",
        "The calibration factor of r (1: no error).", low=0.8, high=1.25,
    )  # fmt: skip
    radiation: str = _condition(
        "xray", "radiation", "radiation", "", "The radiation: xray or neutron.",
        choices=RADIATIONS,
    )  # fmt: skip

    def __post_init__(self) -> None:
        for name, quantity in QUANTITIES.items():
            value = quantity.checked(name, getattr(self, name))
            object.__setattr__(self, name, value)
        for low, high in (("rmin", "rmax"), ("qmin", "qmax")):
            if getattr(self, high) <= getattr(self, low):
                raise ValueError(
                    f"{high} must be above {low}, got {low} {getattr(self, low):g} "
                    f"and {high} {getattr(self, high):g}."
                )

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "Conditions":
        """Return the conditions of a mapping, with the reference's for missing keys.

        Raise ValueError for a key that is not a condition, or a value that is not
        allowed.
        """
        for name in values:
            if name not in QUANTITIES:
                raise ValueError(
                    f"there is no condition {name!r}; the conditions are "
                    f"{', '.join(QUANTITIES)}."
                )
        values = {k: math.inf if v is None else v for k, v in values.items()}
        return cls(**values)

    def to_mapping(self) -> dict[str, Any]:
        """Return the conditions as a mapping for JSON (infinite diameter: None)."""
        diameter = None if math.isinf(self.diameter) else self.diameter
        return asdict(self) | {"diameter": diameter}

    def at(self, **values: Any) -> "Conditions":
        """Return the same conditions with some values replaced."""
        return replace(self, **values)


QUANTITIES: dict[str, Quantity] = {
    each.name: each.metadata["quantity"] for each in fields(Conditions)
}
"""The quantity of each condition, by its name."""
NUMERIC_FIELDS = tuple(name for name in QUANTITIES if name != "radiation")

REFERENCE = Conditions()

Range = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A range, lowest and highest, for every numeric condition to draw it from.

    The defaults are wider than the sweeps of the paper and than the conditions that are
    usual at beamlines. Raise ValueError if a range is not two values in order, or
    contains a value that is not allowed.
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
        """Return the box that contains these conditions only."""
        return cls(**{n: (getattr(conditions, n),) * 2 for n in NUMERIC_FIELDS})

    def outside(self, conditions: Conditions) -> list[str]:
        """Return the names of the conditions that lie outside of the box."""
        ranges = {name: getattr(self, name) for name in NUMERIC_FIELDS}
        return [
            name
            for name, (low, high) in ranges.items()
            if not low <= getattr(conditions, name) <= high
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
        """Return the box as a mapping for JSON (infinite diameter: None)."""
        return {
            name: [None if math.isinf(end) else end for end in pair]
            for name, pair in asdict(self).items()
        }
