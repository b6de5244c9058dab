"""The options of a request, for the HTTP interface and the form of the page.

Labels, units, bounds, help and choices are those of the reader, `ReadOptions`.
"""

import math
from dataclasses import fields
from typing import Annotated, Any, cast, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo

from gromega.conditions import Quantity
from gromega.measured.options import ReadOptions
from gromega.model.calibration import COVERAGES

_READ: dict[str, Quantity] = {
    each.name: each.metadata["quantity"] for each in fields(ReadOptions)
}


def _option(default: Any, label: str, text: str, choices: Any = (), **more: Any) -> Any:
    """Return a field with a label, a description and the values that it may have."""
    extra: JsonDict = {"enum": list(choices)} if choices else {}
    return Field(
        default, title=label, description=text, json_schema_extra=extra, **more
    )


def _read(name: str) -> Any:
    """Return the field of a number or a choice of the reader."""
    quantity = _READ[name]
    label = quantity.label + f" ({quantity.unit})" * bool(quantity.unit)
    if quantity.choices:
        return _option(None, label, quantity.help, quantity.choices)
    bounds: dict[str, float] = {
        "gt" if quantity.open_low else "ge": quantity.low,
        "lt" if quantity.open_high else "le": quantity.high,
    }
    finite = {end: value for end, value in bounds.items() if math.isfinite(value)}
    return _option(None, label, quantity.help, allow_inf_nan=False, **finite)


def _is_choice(value: Any, info: ValidationInfo) -> Any:
    """Return a value that is one of the choices of its field, or None."""
    choices = choices_of(RequestOptions.model_fields[str(info.field_name)])
    if value is not None and value not in choices:
        listed = ", ".join(map(str, choices))
        raise ValueError(f"must be one of {listed}, got {value!r}")
    return value


Choice = Annotated[str | None, AfterValidator(_is_choice)]


class RequestOptions(BaseModel):
    """The options of a prediction: those of `read_pdf` and `Model.predict`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = _option(
        "the file", "name", "The name of the file, for messages.", max_length=200
    )
    reliability: bool = _option(
        True, "reliability", "Compute the accuracy on test crystals at the conditions."
    )
    explain: bool = _option(
        False, "explain", "Compute the importance of each r and the matches."
    )
    composition: str | None = _option(
        None, "composition", _READ["composition"].help, max_length=200
    )
    qmin: float | None = _read("qmin")
    qmax: float | None = _read("qmax")
    qdamp: float | None = _read("qdamp")
    qbroad: float | None = _read("qbroad")
    rmin: float | None = _read("rmin")
    rmax: float | None = _read("rmax")
    radiation: Choice = _read("radiation")
    quantity: Choice = _read("quantity")
    r_unit: Choice = _read("r_unit")
    column: float | None = _read("column")
    number_density: float | None = _read("number_density")
    coverage: Annotated[float, AfterValidator(_is_choice)] = _option(
        COVERAGES[0], "coverage", "The coverage of the prediction set.", COVERAGES
    )

    def for_reader(self) -> dict[str, Any]:
        """Return the options of `read_pdf` that were given."""
        return self.model_dump(
            exclude={"name", "coverage", "reliability", "explain"}, exclude_none=True
        )


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
