"""The options of a request, for the HTTP interface and the form of the page.

Labels, units, bounds, help and choices are those of the reader, `ReadOptions`.
"""

import math
from dataclasses import fields
from typing import Annotated, Any, cast, get_args, get_type_hints

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, create_model
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo

from gromega.conditions import Quantity
from gromega.measured.options import ReadOptions
from gromega.model.calibration import COVERAGES

# In the order of the form.
_IN_REQUEST = (
    "composition", "qmin", "qmax", "qdamp", "qbroad", "rmin", "rmax", "radiation",
    "quantity", "r_unit", "column", "number_density",
)  # fmt: skip
_READ: dict[str, Quantity] = {
    each.name: each.metadata["quantity"] for each in fields(ReadOptions)
}
_TYPES = get_type_hints(ReadOptions)
_LONGEST = 200  # characters of a text


def _option(default: Any, label: str, text: str, choices: Any = (), **more: Any) -> Any:
    """Return a field with a label, a description and the values that it may have."""
    extra: JsonDict = {"enum": list(choices)} if choices else {}
    return Field(
        default, title=label, description=text, json_schema_extra=extra, **more
    )


def _read(name: str) -> tuple[Any, Any]:
    """Return the type and the field of an option of the reader."""
    kind, quantity = _TYPES[name], _READ[name]
    label = quantity.label + f" ({quantity.unit})" * bool(quantity.unit)
    if quantity.choices:
        return Choice, _option(None, label, quantity.help, quantity.choices)
    if kind == str | None:
        return kind, _option(None, label, quantity.help, max_length=_LONGEST)
    bounds: dict[str, float] = {
        "gt" if quantity.open_low else "ge": quantity.low,
        "lt" if quantity.open_high else "le": quantity.high,
    }
    finite = {end: value for end, value in bounds.items() if math.isfinite(value)}
    return kind, _option(None, label, quantity.help, allow_inf_nan=False, **finite)


def _is_choice(value: Any, info: ValidationInfo) -> Any:
    """Return a value that is one of the choices of its field, or None."""
    choices = choices_of(RequestOptions.model_fields[str(info.field_name)])
    if value is not None and value not in choices:
        listed = ", ".join(map(str, choices))
        raise ValueError(f"must be one of {listed}, got {value!r}")
    return value


Choice = Annotated[str | None, AfterValidator(_is_choice)]
_FIELDS: dict[str, Any] = {name: _read(name) for name in _IN_REQUEST}


class RequestOptions(create_model("_Reading", **_FIELDS)):  # type: ignore[misc]
    """The options of a prediction: those of `read_pdf` and `Model.predict`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = _option(
        "the file", "name", "The name of the file, for messages.", max_length=_LONGEST
    )
    reliability: bool = _option(
        True, "reliability", "Compute the accuracy on test crystals at the conditions."
    )
    explain: bool = _option(
        False, "explain", "Compute the importance of each r and the matches."
    )
    coverage: Annotated[float, AfterValidator(_is_choice)] = _option(
        COVERAGES[0], "coverage", "The coverage of the prediction set.", COVERAGES
    )

    def for_reader(self) -> dict[str, Any]:
        """Return the options of `read_pdf` that were given."""
        given: dict[str, Any] = self.model_dump(
            include={*_IN_REQUEST}, exclude_none=True
        )
        return given


def choices_of(field: FieldInfo) -> list[Any]:
    """Return the values that an option may have; none if they are not listed."""
    extra = cast(dict[str, Any], field.json_schema_extra)
    return list(extra.get("enum", ()))


def bounds_of(field: FieldInfo) -> dict[str, float]:
    """Return the lowest and the highest number of an option, ``min`` and ``max``."""
    ends = {"ge": "min", "gt": "min", "le": "max", "lt": "max"}
    return {
        ends[name]: getattr(each, name)
        for each in field.metadata
        for name in ends
        if hasattr(each, name)
    }


def is_number(field: FieldInfo) -> bool:
    """Return whether an option is a number."""
    return float in (field.annotation, *get_args(field.annotation))
