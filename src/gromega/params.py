"""The parameters of the pipeline: params.yaml, checked by pydantic."""

import math
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from gromega.conditions import Conditions
from gromega.sweeps import AXES, BEYOND, Axis, Sweep, get_axis

GROUPS_OF_AXES = {"all": AXES, "beyond": BEYOND}
"""The names that stand for several axes in sweep.param."""
Count = Annotated[int, Field(ge=0)]
CountFromOne = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, lt=1)]
# JAX takes a signed 32-bit seed.
Seed = Annotated[int, Field(ge=0, lt=2**31)]


class _Loader(yaml.SafeLoader):
    """The safe loader, which reads 5e-1 as a number, as YAML 1.2 and DVC do."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)[eE][-+]?\d+"),
    list("-+.0123456789"),
)


class Section(BaseModel):
    """A section of params.yaml: no conversion of types, no unknown keys."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False
    )


class Crystals(Section):
    """The section `crystals`."""

    source: str = "data/synthetic.yaml"
    groups: CountFromOne | Literal["all"] = 45
    observed: bool = True
    theoretical: bool = False
    synthetic: Count = 0

    @property
    def n_groups(self) -> int | None:
        """The number of space groups, None for all."""
        return None if self.groups == "all" else self.groups


class Split(Section):
    """The section `split`; the schemes are those of `gromega.lake.splits`."""

    scheme: Literal["random", "formula", "structure-type"] = "random"
    test: Share = 0.2
    validation: Share = 0.1
    seed: Count = 0


class Spectra(Section):
    """The section `spectra`."""

    dmax: Annotated[float, Field(ge=1, le=1000)] = 36.0


class Train(Section):
    """The section `train`; the stage check knows the recipes, whose import is slow."""

    recipe: str = "small"
    epochs: CountFromOne = 30
    seed: Seed = 0
    start: str = "models/random.yaml"
    rate: Annotated[float, Field(gt=0, le=10)] = 1.0
    schedule: Literal["falling", "constant"] = "falling"

    @property
    def from_model(self) -> bool:
        """Whether the training starts from a model, and not from random weights."""
        return not self.start.endswith(".yaml")


class Sweeps(Section):
    """The section `sweep`; `values` are those of the one axis `param`."""

    param: list[str] = ["all"]
    map: list[str] = []
    values: list[Any] = []

    @field_validator("param", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("param")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        if not names:
            allowed = ", ".join([*GROUPS_OF_AXES, *AXES, *BEYOND])
            raise ValueError(f"it is empty; give one or more of {allowed}.")
        for name in names:
            if name not in GROUPS_OF_AXES:
                get_axis(name)
        return names

    @field_validator("map")
    @classmethod
    def _two_axes(cls, names: list[str]) -> list[str]:
        if names and len(names) != 2:
            raise ValueError(
                f"a map is over two axes, such as [rmax, qdamp], got {len(names)}."
            )
        if names:
            Sweep(tuple(map(get_axis, names)))
        return names

    @model_validator(mode="after")
    def _values_of_one_axis(self) -> Self:
        if self.values:
            (name, *others) = self.param
            if others or name in GROUPS_OF_AXES:
                raise ValueError(
                    "values are those of one axis, such as param: rmax; got param "
                    f"{self.param}."
                )
            self._axis(name)
        return self

    def sweeps(self) -> list[Sweep]:
        """Return the sweeps: one for each axis, and the map if there is one."""
        axes: list[Axis] = []
        for name in self.param:
            group = GROUPS_OF_AXES.get(name)
            axes += map(self._axis, group or [name])
        sweeps = [Sweep((axis,)) for axis in dict.fromkeys(axes)]
        if self.map:
            sweeps.append(Sweep(tuple(map(self._axis, self.map))))
        return sweeps

    def _axis(self, name: str) -> Axis:
        if not self.values or name not in self.param:
            return get_axis(name)
        # null is infinite, as in the section `reference`.
        return get_axis(name, [math.inf if v is None else v for v in self.values])


class Params(Section):
    """All of params.yaml."""

    crystals: Crystals = Crystals()
    split: Split = Split()
    spectra: Spectra = Spectra()
    reference: Conditions = Conditions()
    train: Train = Train()
    sweep: Sweeps = Sweeps()

    @field_validator("*", mode="before")
    @classmethod
    def _empty_section(cls, value: Any) -> Any:
        return {} if value is None else value

    @field_validator("reference", mode="plain")
    @classmethod
    def _conditions(cls, value: Any) -> Conditions:
        if isinstance(value, Conditions):
            return value
        if not isinstance(value, dict):
            raise ValueError(f"it must hold names and values, got {value!r}.")
        return Conditions.from_mapping(value)

    def swept_conditions(self) -> list[tuple[str, Conditions]]:
        """Return the conditions at all points of all sweeps, with the sweep's name.

        Raises
        ------
        ValueError
            If the conditions at a point contradict one another.
        """
        found = []
        for sweep in self.sweep.sweeps():
            try:
                points = sweep.conditions(self.reference)
            except ValueError as error:
                raise ValueError(
                    f"sweep.param: {sweep.name} leaves the allowed conditions: {error} "
                    "Change reference, or leave it out."
                ) from None
            found += [(sweep.name, omega) for omega in points]
        return found


def read_params(path: Path = Path("params.yaml")) -> Params:
    """Return the parameters of a file, with defaults for what is left out.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a section or a key is unknown, or a value is not allowed; the message names
        section and key, the value, and what is allowed.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: there is no such file; run this in the folder of a pipeline."
        )
    try:
        content = yaml.load(path.read_text("utf-8"), _Loader)
    except (yaml.YAMLError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{path}: not valid YAML ({reason}).") from None
    try:
        params = Params.model_validate({} if content is None else content)
        params.swept_conditions()
    except ValidationError as error:
        raise ValueError(f"{path}: {_one_line(error.errors()[0])}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return params


def _one_line(error: Any) -> str:
    """Return an item of `ValidationError.errors` as one line: key, value, allowed."""
    place, given = [str(part) for part in error["loc"]], error["input"]
    name = ".".join(place)
    if error["type"] in ("extra_forbidden", "invalid_key"):
        parent = Params.model_fields[place[0]].annotation if place[1:] else Params
        assert isinstance(parent, type) and issubclass(parent, BaseModel)
        kind = "key" if place[1:] else "section"
        return f"{name} is unknown; the {kind}s are {', '.join(parent.model_fields)}."
    if error["type"] == "value_error":
        return f"{name}: {error['ctx']['error']}"
    if error["type"] in ("model_type", "model_attributes_type"):
        return f"{name or 'the file'} must hold names and values, got {given!r}."
    allowed = error["msg"].removeprefix("Input should be ")
    return f"{name} must be {allowed}, got {given!r}."
