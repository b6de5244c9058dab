"""The registry: released models, listed and verified."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gromega._util.files import sha256
from gromega.model.io import MODEL_FILES, load_model
from gromega.pdf.network_grid import INPUT_R
from gromega.registry.card import read_card

MODELS = Path("models")
_NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"


@dataclass(frozen=True)
class Listed:
    """One line of the list of models.

    Parameters
    ----------
    name
        The name of the model.
    card
        The card, or None where it is not here or damaged.
    size
        The size of its files, bytes.
    note
        The command that gets it, or what is wrong with it; empty if all is well.
    """

    name: str
    card: dict[str, Any] | None
    size: int
    note: str


def check_name(name: str) -> None:
    """Refuse a name that no released model can have.

    Raises
    ------
    ValueError
        If it is not of lower-case letters, digits and hyphens.
    """
    if not re.fullmatch(_NAME, name):
        raise ValueError(
            "a model's name is made of lower-case letters, digits and hyphens, got "
            f"{name!r}."
        )


def list_models(models: Path = MODELS) -> list[Listed]:
    """Return the released models, those here and those still to be pulled, by name.

    Parameters
    ----------
    models
        The folder that holds the folders of the models, and their .dvc files.
    """
    here = {path.parent.name for path in models.glob("*/card.json")}
    tracked = {path.stem for path in models.glob("*.dvc")}
    found = []
    for name in sorted(here | tracked):
        # A file with an ending, such as the library of known crystals, is no model,
        # nor is what a release leaves that was killed.
        if not re.fullmatch(_NAME, name):
            continue
        if name not in here:
            found.append(Listed(name, None, 0, f"not here; {_pull(models / name)}"))
            continue
        try:
            card = read_card(models / name)
        except ValueError as error:
            found.append(Listed(name, None, size_of(models / name), str(error)))
        else:
            found.append(Listed(name, card, size_of(models / name), ""))
    return found


def find_model(name: str, models: Path = MODELS) -> Path:
    """Return the folder of a released model.

    Raises
    ------
    FileNotFoundError
        If it is not here: how to get it, or which there are.
    ValueError
        If no model can have this name.
    """
    check_name(name)
    path = models / name
    if (path / "card.json").is_file():
        return path
    if path.with_name(f"{name}.dvc").is_file():
        raise FileNotFoundError(f"{path}: the model is not here; {_pull(path)}.")
    others = ", ".join(listed.name for listed in list_models(models)) or "none"
    raise FileNotFoundError(
        f"there is no released model '{name}'; the released models are: {others}."
    )


def verify(name: str, models: Path = MODELS) -> dict[str, Any]:
    """Return the card of a released model that is whole.

    Raises
    ------
    FileNotFoundError
        If it is not here.
    ValueError
        If it is damaged, or another model than its folder says.
    """
    path = find_model(name, models)
    card = verify_folder(path)
    if card["name"] != name:
        raise ValueError(f"{path}: its card is that of the model '{card['name']}'.")
    return card


def verify_folder(path: Path) -> dict[str, Any]:
    """Return the card of a folder whose files, network and outputs agree with it.

    Raises
    ------
    FileNotFoundError
        If there is no card.
    ValueError
        If the card does not fit the schema, a file is missing or not the one that the
        card names, or the network's outputs are not the card's space groups.
    """
    card = read_card(path)
    for name in (*MODEL_FILES, "CARD.md"):
        file = path / name
        if not file.is_file() or sha256(file) != card["sha256"][name]:
            state = "damaged" if file.is_file() else "missing"
            raise ValueError(f"{file}: {state}; {_pull(path, again=True)}.")
    model = load_model(path)
    if model.space_groups.tolist() != card["space_groups"]:
        raise ValueError(
            f"{path}: the space groups of card.json are not those of config.json; "
            "release the model again."
        )
    # Any curve will do: what comes out must be probabilities of these groups.
    log_p = model.log_probabilities(np.sin(INPUT_R, dtype=np.float32)[None])
    total = np.exp(log_p, dtype=np.float64).sum()
    if log_p.shape != (1, len(card["space_groups"])) or abs(total - 1) > 1e-3:
        raise ValueError(
            f"{path}: the network gives {log_p.shape[1]} numbers of sum {total:.4g}, "
            f"not probabilities of {len(card['space_groups'])} space groups; train it "
            "and release it again."
        )
    return card


def size_of(path: Path) -> int:
    """Return the size of all files of a folder in bytes."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def _pull(path: Path, again: bool = False) -> str:
    """Return the command that gets a model, in words."""
    tracked = path.with_name(path.name + ".dvc")
    if not tracked.is_file():
        return "release it again with 'gromega models release'"
    if again:
        return f"get it again with 'dvc pull --force -r registry {tracked}'"
    return f"get it with 'dvc pull -r registry {tracked}'"
