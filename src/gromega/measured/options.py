"""The options of reading a measured PDF, for `read_pdf`, command line and web form."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from gromega.conditions import GRID_STEP, MAX_RMAX, QUANTITIES, Conditions, Quantity

FUNCTIONS = (
    "G(r)", "D(r)", "Keen G(r)", "g(r)", "g(r)-1", "T(r)", "R(r)",
    "F(Q)", "Keen F(Q)", "S(Q)", "S(Q)-1",
)  # fmt: skip
"""The functions, with the names of Keen, J. Appl. Cryst. 34 (2001) 172, but G(r) and
F(Q), which is Q (S(Q) - 1)."""
R_UNITS = {"Å": 1.0, "nm": 10.0, "pm": 0.01, "bohr": 0.529177210544}
"""The units of r, in Å."""
UNKNOWN = "unknown"
"""The option `composition` that leaves out the composition of the header."""
# The widest limits. A limit without the other one is checked beside that of the file.
_WIDE = {"rmin": 0.0, "rmax": MAX_RMAX, "qmin": 0.0, "qmax": math.pi / GRID_STEP - 1e-9}


def _option(*args: Any, **bounds: Any) -> Any:
    return field(default=None, metadata={"quantity": Quantity(*args, **bounds)})


def _condition(name: str) -> Any:
    return field(default=None, metadata={"quantity": QUANTITIES[name]})


@dataclass(frozen=True)
class ReadOptions:
    """The options of reading a measured PDF; None is an option that is not given.

    They are those of `gromega.read_pdf`. rmin and rmax cut the data. The other
    conditions are as in `Conditions`. A value that is not allowed raises ValueError.
    """

    quantity: str | None = _option(
        "quantity", "quantity", "",
        f"The function in the file, if its header states another: "
        f"{', '.join(FUNCTIONS)}.",
        choices=FUNCTIONS,
    )  # fmt: skip
    r_unit: str | None = _option(
        "unit of r", "unit of r", "",
        "The unit of r, or of 1/Q, if the header states another: "
        f"{', '.join(R_UNITS)}.",
        choices=tuple(R_UNITS),
    )  # fmt: skip
    column: float | None = _option(
        "column", "column", "",
        "The column of the function, counted from 1, if no label shows it.",
        low=2, high=1000,
    )  # fmt: skip
    composition: str | None = _option(
        "composition", "composition", "",
        f"The composition, such as SrTiO3; the word {UNKNOWN} ignores the composition "
        "in the header.",
    )  # fmt: skip
    number_density: float | None = _option(
        "number density", r"$\rho_0$", "atoms per Å³",
        "The number density, for g(r), g(r)-1, Keen G(r), T(r) and R(r).",
        # Diamond has 0.18.
        high=0.5, open_low=True,
    )  # fmt: skip
    rmin: float | None = _option(
        "rmin", r"$r_\mathrm{min}$", "Å", "Use data from this r.",
    )  # fmt: skip
    rmax: float | None = _option(
        "rmax", r"$r_\mathrm{max}$", "Å", "Use data up to this r.",
        high=MAX_RMAX,
    )  # fmt: skip
    qmin: float | None = _condition("qmin")
    qmax: float | None = _condition("qmax")
    qdamp: float | None = _condition("qdamp")
    qbroad: float | None = _condition("qbroad")
    uiso: float | None = _condition("uiso")
    delta1: float | None = _condition("delta1")
    delta2: float | None = _condition("delta2")
    diameter: float | None = _condition("diameter")
    noise: float | None = _condition("noise")
    r_offset: float | None = _condition("r_offset")
    r_scale: float | None = _condition("r_scale")
    radiation: str | None = _condition("radiation")

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if value is not None and each.name != "composition":
                value = each.metadata["quantity"].checked(each.name, value)
                object.__setattr__(self, each.name, value)
        if self.column is not None and self.column % 1:
            raise ValueError(f"column must be a whole number, got {self.column:g}.")
        if self.composition is not None and not self.without_composition:
            # The command line reads options before NumPy may be imported.
            from gromega.crystals.composition import parse_composition

            parse_composition(self.composition)
        Conditions.from_mapping({**_WIDE, **self.conditions()})

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "ReadOptions":
        """Return the options of a mapping; a condition of None is infinite.

        Raise ValueError for a key that is no option, or a value that is not allowed.
        """
        names = [each.name for each in fields(cls)]
        for name in values:
            if name not in names:
                raise ValueError(
                    f"there is no option {name!r}; the options are {', '.join(names)}."
                )
        is_infinite = {
            name for name, v in values.items() if v is None and name in QUANTITIES
        }
        return cls(**{**values, **dict.fromkeys(is_infinite, math.inf)})

    @property
    def without_composition(self) -> bool:
        """Whether the composition of the header is ignored."""
        return self.composition is not None and self.composition.lower() == UNKNOWN

    def given(self) -> dict[str, Any]:
        """Return the options that are not None."""
        return {name: v for name, v in vars(self).items() if v is not None}

    def conditions(self) -> dict[str, Any]:
        """Return the conditions that are not None."""
        return {name: v for name, v in self.given().items() if name in QUANTITIES}
