"""Recipes of synthetic crystals: read from YAML, with every value checked."""

from pathlib import Path

import pytest

from gromega.crystals.generate.recipe import SyntheticRecipe

GOOD = {"space_groups": "[14, 225]", "crystals_per_group": "3", "seed": "7"}


def test_recipe_is_read(tmp_path: Path) -> None:
    path = tmp_path / "synthetic.yaml"
    path.write_text("".join(f"{key}: {value}\n" for key, value in GOOD.items()))
    recipe = SyntheticRecipe.from_yaml(path)
    assert recipe == SyntheticRecipe((14, 225), crystals_per_group=3, seed=7)
    assert recipe.size == 6


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        SyntheticRecipe.from_yaml(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("text", "offender"),
    [
        # broken YAML: refused
        ("space_groups: [14", "YAML"),
        # empty file: refused
        ("", "got None"),
        # an unknown key: named
        ({**GOOD, "seeds": "1"}, "'seeds'"),
        # missing keys: the present one is named
        ({"seed": "1"}, r"got \['seed'\]"),
        # one group instead of a list: refused
        ({**GOOD, "space_groups": "225"}, "space_groups.* 225"),
        # no groups: refused
        ({**GOOD, "space_groups": "[]"}, "space_groups"),
        # a symbol instead of a number: refused
        ({**GOOD, "space_groups": "[Fm-3m]"}, "'Fm-3m'"),
        # a group below 1: refused
        ({**GOOD, "space_groups": "[0]"}, "got 0"),
        # a group above 230: refused
        ({**GOOD, "space_groups": "[231]"}, "got 231"),
        # a repeated group: named
        ({**GOOD, "space_groups": "[14, 225, 14]"}, r"\[14\]"),
        # no crystals: refused
        ({**GOOD, "crystals_per_group": "0"}, "crystals_per_group.* 0"),
        # a fraction of a crystal: refused
        ({**GOOD, "crystals_per_group": "1.5"}, "crystals_per_group.* 1.5"),
        # a truth value as seed: refused
        ({**GOOD, "seed": "true"}, "seed.* True"),
        # a negative seed: refused
        ({**GOOD, "seed": "-1"}, "seed.* -1"),
    ],
)
def test_invalid_recipe_is_refused_in_one_line(
    tmp_path: Path, text: str | dict[str, str], offender: str
) -> None:
    if isinstance(text, dict):
        text = "".join(f"{key}: {value}\n" for key, value in text.items())
    path = tmp_path / "synthetic.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=offender) as error:
        SyntheticRecipe.from_yaml(path)
    assert "synthetic.yaml" in str(error.value)
    assert "\n" not in str(error.value)
