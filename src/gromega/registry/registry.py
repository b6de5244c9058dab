"""The registry: the released models of a project, listed and verified."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gromega._util.files import sha256
from gromega.model.io import MODELS, load_model, model_folders
from gromega.pdf.network_grid import INPUT_R
from gromega.registry.card import read_card
from gromega.registry.names import NAME, check_name


@dataclass(frozen=True)
class ModelEntry:
    """A model with the size of its files in bytes, and why it has no card, if so."""

    name: str
    card: dict[str, Any] | None
    size: int
    note: str


def list_models(models: Path = MODELS) -> list[ModelEntry]:
    """Return the released models by name, with those that are not yet pulled."""
    here = {path.parent.name for path in models.glob("*/card.json")}
    tracked = {path.stem for path in models.glob("*.dvc")}
    found = []
    for name in sorted(here | tracked):
        # Other names are files, such as library.parquet, or an interrupted release.
        if not re.fullmatch(NAME, name):
            continue
        if name not in here:
            found.append(ModelEntry(name, None, 0, f"missing; {_pull(models / name)}"))
            continue
        card, note = None, ""
        try:
            card = read_card(models / name)
        except ValueError as error:
            note = str(error)
        found.append(ModelEntry(name, card, size_of(models / name), note))
    return found


def find_model(name: str, models: Path = MODELS) -> Path:
    """Return the folder of a released model; raise FileNotFoundError if missing.

    Where the project has no such model, it is that of the package or of the user.
    """
    check_name(name)
    for folder in (models, *model_folders()[1:]):
        if (folder / name / "card.json").is_file():
            return folder / name
    path = models / name
    if path.with_name(f"{name}.dvc").is_file():
        raise FileNotFoundError(f"{path}: the model is missing; {_pull(path)}.")
    names = ", ".join(entry.name for entry in list_models(models)) or "none"
    raise FileNotFoundError(
        f"there is no released model '{name}'; the released models are: {names}."
    )


def verify(name: str, models: Path = MODELS) -> dict[str, Any]:
    """Return the card of a released model, checked as by `verify_folder`."""
    path = find_model(name, models)
    card = verify_folder(path)
    if card["name"] != name:
        raise ValueError(f"{path}: the card is that of the model '{card['name']}'.")
    return card


def verify_folder(path: Path) -> dict[str, Any]:
    """Return the card of a model's folder after checking files and network against it.

    Raises as `read_card`, and ValueError if a file is missing or has another hash than
    in the card, or if the network has other outputs than the card's space groups.
    """
    card = read_card(path)
    for name in sorted(card["sha256"].keys() - {"card.json"}):
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
    # The output must be probabilities of these groups for any curve.
    log_p = model.log_probabilities(np.sin(INPUT_R, dtype=np.float32)[None])
    total = np.exp(log_p, dtype=np.float64).sum()
    if log_p.shape != (1, len(card["space_groups"])) or abs(total - 1) > 1e-3:
        raise ValueError(
            f"{path}: the network returns {log_p.shape[1]} numbers with the sum "
            f"{total:.4g} instead of probabilities of {len(card['space_groups'])} "
            "space groups; train it and release it again."
        )
    return card


def size_of(path: Path) -> int:
    """Return the total size of the files in a folder, in bytes."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def _pull(path: Path, again: bool = False) -> str:
    """Return the instruction that gets a model."""
    tracked = path.with_name(path.name + ".dvc")
    if not tracked.is_file():
        return "release it again with 'gromega models release'"
    # The files of a released model are in git, others in a remote of DVC.
    if "cache: false" in tracked.read_text("utf-8"):
        return f"get it with 'git restore {path}'"
    if again:
        return f"get it again with 'dvc pull --force {tracked}'"
    return f"get it with 'dvc pull {tracked}'"
