"""The parameters of the pipeline: params.yaml, each section checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from gromega.conditions import Conditions
from gromega.sweeps import AXES, BEYOND, Axis, Sweep, get_axis


@dataclass(frozen=True)
class Crystals:
    """The section `crystals` of params.yaml."""

    source: str = "data/synthetic.yaml"
    groups: int = 45
    observed: bool = True
    theoretical: bool = False
    synthetic: int = 0

    def __post_init__(self) -> None:
        _check_at_least("crystals.synthetic", self.synthetic, 0)
        _check_at_least("crystals.groups", self.groups, 1)


@dataclass(frozen=True)
class Split:
    """The section `split` of params.yaml."""

    scheme: str = "random"
    test: float = 0.2
    validation: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        _check_at_least("split.seed", self.seed, 0)


@dataclass(frozen=True)
class Spectra:
    """The section `spectra` of params.yaml."""

    dmax: float = 36.0

    def __post_init__(self) -> None:
        if not 1.0 <= self.dmax <= 1000.0:
            raise ValueError(
                f"spectra.dmax must be from 1 to 1000 Å, got {self.dmax:g}."
            )


@dataclass(frozen=True)
class Train:
    """The section `train` of params.yaml."""

    recipe: str = "small"
    epochs: int = 30
    seed: int = 0
    start: str = ""
    rate: float = 1.0

    def __post_init__(self) -> None:
        _check_at_least("train.epochs", self.epochs, 1)
        _check_at_least("train.seed", self.seed, 0)
        if self.seed >= 2**31:
            raise ValueError(f"train.seed must be below 2^31, got {self.seed}.")
        if not 0 < self.rate <= 10:
            raise ValueError(
                f"train.rate must be above 0 and at most 10, got {self.rate:g}; 1 is "
                "the learning rate of the recipe."
            )


@dataclass(frozen=True)
class Sweeps:
    """The section `sweep` of params.yaml."""

    param: str | list[str] = "all"
    map: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sweeps()

    def sweeps(self) -> list[Sweep]:
        """Return what to sweep: the axes asked for, and the map if there is one."""
        names = [self.param] if isinstance(self.param, str) else self.param
        if not names:
            raise ValueError(
                f"sweep.param is empty; give all, beyond, {', '.join(AXES | BEYOND)}."
            )
        axes: list[Axis] = []
        for name in names:
            groups = {"all": AXES, "beyond": BEYOND}
            known = groups.get(str(name))
            axes += known.values() if known else [get_axis(str(name))]
        sweeps = [Sweep((axis,)) for axis in dict.fromkeys(axes)]
        if self.map:
            over = tuple(get_axis(str(name)) for name in self.map)
            if len(over) != 2:
                raise ValueError(
                    f"a map is over two axes, got {len(over)}; give sweep.map such as "
                    "[rmax, qdamp]."
                )
            sweeps.append(Sweep(over))
        return sweeps


@dataclass(frozen=True)
class Params:
    """All of params.yaml."""

    crystals: Crystals = field(default_factory=Crystals)
    split: Split = field(default_factory=Split)
    spectra: Spectra = field(default_factory=Spectra)
    reference: Conditions = field(default_factory=Conditions)
    train: Train = field(default_factory=Train)
    sweep: Sweeps = field(default_factory=Sweeps)

    def __post_init__(self) -> None:
        # Not after the training alone, when they are swept.
        for sweep in self.sweep.sweeps():
            try:
                sweep.conditions(self.reference)
            except ValueError as error:
                raise ValueError(
                    f"the sweep over {sweep.name} leaves what conditions can be: "
                    f"{error} Change reference, or leave it out of sweep.param."
                ) from None


def read_params(path: Path = Path("params.yaml")) -> Params:
    """Return the parameters of a file, the defaults where it is silent.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a section or a key is unknown, or a value has another type.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: there is no such file; run this in the folder of a pipeline."
        )
    try:
        content = yaml.safe_load(path.read_text()) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: not valid YAML ({error}).") from None
    sections = {f.name: f.default_factory for f in fields(Params)}
    _refuse_unknown(content, list(sections), f"{path}: a section")
    made: dict[str, Any] = {}
    for name, values in content.items():
        values = {} if values is None else values
        kind: Any = sections[name]
        known = {f.name: f.type for f in fields(kind)}
        _refuse_unknown(values, list(known), f"{path}: a key of {name}")
        if kind is Conditions:
            made[name] = Conditions.from_mapping(values)
            continue
        for key, value in values.items():
            default = getattr(kind(), key)
            wanted: tuple[type, ...] = (type(default),)
            if key == "param":
                wanted = (str, list)
            elif isinstance(default, float):
                wanted = (int, float)
            if not isinstance(value, wanted) or isinstance(value, bool) != isinstance(
                default, bool
            ):
                raise ValueError(
                    f"{path}: {name}.{key} must be of the type of {default!r}, got "
                    f"{value!r}."
                )
        made[name] = kind(**values)
    return Params(**made)


def _check_at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}.")


def _refuse_unknown(values: Any, known: list[str], what: str) -> None:
    if not isinstance(values, Mapping):
        raise ValueError(f"{what} must hold names and values, got {values!r}.")
    for key in values:
        if key not in known:
            raise ValueError(
                f"{what} is unknown: {key!r}; there are {', '.join(known)}."
            )
