"""The axes along which accuracy is measured, with the values of each.

A new axis is one entry in `BEYOND`.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from gromega.conditions import QUANTITIES, RADIATIONS, REFERENCE, Conditions, Quantity
from gromega.defects import ALL_QUANTITIES, DEFECTS, FORM_FACTORS, NO_DEFECTS, Defects

Value = float | str


@dataclass(frozen=True)
class Axis:
    """One condition, or one defect, that a sweep varies; all others stay."""

    name: str  # the field of `Conditions` or `Defects`
    values: tuple[Value, ...]
    decimals: int = 0  # as many as distinguish the values

    @property
    def quantity(self) -> Quantity:
        """The quantity of the condition or defect."""
        return ALL_QUANTITIES[self.name]

    @property
    def unit(self) -> str:
        """The unit, empty for a ratio or a name."""
        return self.quantity.unit

    @property
    def label(self) -> str:
        """The label of the axis in a plot."""
        symbol = self.quantity.symbol
        return f"{symbol} ({self.unit})" if self.unit else symbol

    def key(self, value: Value) -> str:
        """Return the value as text of one width per axis, so that keys sort."""
        if isinstance(value, str):
            return value
        if value == math.inf:
            return "inf"  # behind all digits
        width = max(len(self._text(v)) for v in self.values)
        return f"{self._text(value):>0{width}}"

    def with_values(self, values: Sequence[Value]) -> "Axis":
        """Return the axis with other values, in ascending order.

        Raises
        ------
        ValueError
            If there is no value, one twice, or one that is not allowed.
        """
        quantity = self.quantity
        checked = [quantity.checked(self.name, value) for value in values]
        if not checked or len(set(checked)) < len(checked):
            raise ValueError(
                f"{self.name} needs one or more different values, got {list(values)}."
            )
        if not quantity.choices:
            checked.sort()
            exact = (f"{value:.12f}".rstrip("0") for value in checked)
            decimals = (len(text.partition(".")[2]) for text in exact)
            return replace(
                self, values=tuple(checked), decimals=max(self.decimals, *decimals)
            )
        return replace(self, values=tuple(checked))

    def _text(self, value: Value) -> str:
        sign = "+" if any(not isinstance(v, str) and v < 0 for v in self.values) else ""
        return f"{value:{sign}.{self.decimals}f}"


def _by_name(*axes: Axis) -> dict[str, Axis]:
    return {axis.name: axis for axis in axes}


AXES = _by_name(
    Axis("rmax", (10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)),
    Axis("qmax", (12, 15, 18, 21, 23, 24, 27, 30)),
    Axis("qdamp", (0.0, 0.03, 0.04, 0.06, 0.09, 0.12, 0.15), 2),
    Axis("uiso", (0.005, 0.006, 0.007, 0.008, 0.009, 0.010), 3),
)
"""The four axes of the paper, with its values."""

BEYOND = _by_name(
    Axis("diameter", (10, 15, 20, 30, 40, 60, 80, 100, math.inf)),
    Axis("noise", (0.0, 0.05, 0.1, 0.15, 0.2, 0.3), 2),
    Axis("qmin", (0.0, 0.5, 1.0, 1.5, 2.0), 1),
    Axis("qbroad", (0.0, 0.01, 0.02, 0.03, 0.04, 0.05), 2),
    Axis("radiation", RADIATIONS),
    Axis("r_offset", (-0.1, -0.05, -0.02, 0.0, 0.02, 0.05, 0.1), 2),
    Axis("r_scale", (0.98, 0.99, 0.995, 1.0, 1.005, 1.01, 1.02), 3),
    Axis("second_phase", (0.0, 0.1, 0.2, 0.3, 0.4), 1),
    Axis("wave", (0.0, 0.1, 0.2, 0.3, 0.4), 1),
    Axis("counting_noise", (0.0, 0.05, 0.1, 0.15, 0.2, 0.3), 2),
    Axis("uiso_spread", (0.0, 0.002, 0.005, 0.01), 3),
    Axis("form_factors", FORM_FACTORS),
)
"""Further axes, with our own values: conditions, then defects of real data."""


def get_axis(name: str, values: Sequence[Value] | None = None) -> Axis:
    """Return the axis of a name, with its usual values or with others.

    Raise ValueError if there is none, or a value is not allowed.
    """
    known = AXES | BEYOND
    if name not in known:
        raise ValueError(f"there is no axis {name!r}; the axes are {', '.join(known)}.")
    return known[name] if values is None else known[name].with_values(values)


@dataclass(frozen=True)
class Sweep:
    """The points at which accuracy is measured: along one axis, or a map over two.

    Raise ValueError if there are not one or two axes, or both are the same.
    """

    axes: tuple[Axis, ...]

    def __post_init__(self) -> None:
        names = [axis.name for axis in self.axes]
        if len(names) not in (1, 2):
            raise ValueError(f"a map is over two axes, got {len(names)}: {names}.")
        if len(set(names)) < len(names):
            raise ValueError(f"a map is over two different axes, got {names[0]} twice.")

    @property
    def name(self) -> str:
        """The name: ``rmax``, or ``rmax-qdamp``."""
        return "-".join(axis.name for axis in self.axes)

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of values along each axis."""
        return tuple(len(axis.values) for axis in self.axes)

    def keys(self) -> list[str]:
        """Return a name for each point, such as ``20`` or ``20,0.04``."""
        named = [[axis.key(value) for value in axis.values] for axis in self.axes]
        return [",".join(keys) for keys in product(*named)]

    def conditions(self, start: Conditions = REFERENCE) -> list[Conditions]:
        """Return the conditions of each point, the last axis running fastest."""
        return [start.at(**values) for values in self._values(QUANTITIES)]

    def defects(self) -> list[Defects]:
        """Return the defects of each point, the last axis running fastest."""
        return [replace(NO_DEFECTS, **values) for values in self._values(DEFECTS)]

    def _values(self, of: Mapping[str, Quantity]) -> Iterator[dict[str, Any]]:
        """Yield the values of some quantities at each point."""
        for point in product(*(axis.values for axis in self.axes)):
            named = zip(self.axes, point, strict=True)
            yield {axis.name: value for axis, value in named if axis.name in of}


def get_sweep(name: str, values: Mapping[str, Sequence[Value]] | None = None) -> Sweep:
    """Return the sweep of a name, as `Sweep.name` gives it.

    `values` are those of the axes that do not have their usual ones.
    """
    names = name.split("-")
    return Sweep(tuple(get_axis(part, (values or {}).get(part)) for part in names))


def sweep_of_keys(name: str, keys: Iterable[str]) -> Sweep:
    """Return the sweep of a name with points of these keys, as `Sweep.keys` gives them.

    Raise ValueError if there is no such sweep, or a value is not allowed.
    """
    names = name.split("-")
    columns = zip(*(key.split(",") for key in keys), strict=True)
    values = {
        axis: [_value(axis, text) for text in dict.fromkeys(column)]
        for axis, column in zip(names, columns, strict=True)
    }
    return get_sweep(name, values)


def point_text(name: str, key: str) -> str:
    """Return the values of a point of a sweep with their units: ``20 Å, 0.04 Å⁻¹``."""
    parts = zip(name.split("-"), key.split(","), strict=True)
    return ", ".join(ALL_QUANTITIES[axis].with_unit(value) for axis, value in parts)


def _value(axis: str, text: str) -> Value:
    return text if get_axis(axis).quantity.choices else float(text)
