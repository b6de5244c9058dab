"""Recipes for synthetic crystals, such as ``data/synthetic.yaml``."""

from dataclasses import dataclass, fields
from pathlib import Path

import yaml


@dataclass(frozen=True)
class SyntheticRecipe:
    """Which synthetic crystals to make.

    Raise ValueError if a value has the wrong type or is out of its range.
    """

    space_groups: tuple[int, ...]
    crystals_per_group: int
    seed: int

    def __post_init__(self) -> None:
        groups = self.space_groups
        if not isinstance(groups, tuple) or not groups:
            raise ValueError(f"space_groups must be a list of numbers, got {groups!r}.")
        for group in groups:
            check_whole("each of space_groups", group, 1, 230)
        repeated = sorted({group for group in groups if groups.count(group) > 1})
        if repeated:
            raise ValueError(f"space_groups must be unique, repeated: {repeated}.")
        check_whole("crystals_per_group", self.crystals_per_group, 1)
        check_whole("seed", self.seed, 0)

    @property
    def size(self) -> int:
        """The total number of crystals."""
        return len(self.space_groups) * self.crystals_per_group

    @classmethod
    def from_yaml(cls, path: Path) -> "SyntheticRecipe":
        """Read a recipe from a YAML mapping with exactly its fields as keys.

        Raise FileNotFoundError, or ValueError if the mapping or a value is wrong.
        """
        expected = [field.name for field in fields(cls)]
        if not path.is_file():
            raise FileNotFoundError(f"{path}: there is no such file; check the path.")
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            reason = " ".join(str(error).split())
            raise ValueError(f"{path} must be YAML: {reason}.") from error
        if not isinstance(content, dict) or set(content) != set(expected):
            got = list(content) if isinstance(content, dict) else content
            raise ValueError(
                f"{path} must have exactly the keys {expected}, got {got}."
            )
        if isinstance(content["space_groups"], list):
            content["space_groups"] = tuple(content["space_groups"])
        try:
            return cls(**content)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error


def check_whole(name: str, value: object, low: int, high: int | None = None) -> None:
    """Raise ValueError unless a value is an integer within a range."""
    # A bool is an instance of int.
    if type(value) is not int or value < low or (high is not None and value > high):
        wanted = f"of at least {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name} must be a whole number {wanted}, got {value!r}.")
