"""Releasing: a trained model becomes a folder with a card that says all about it."""

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import yaml

from gromega.files import put_in_place, read_json
from gromega.models.card import make_card, read_card, sha256, write_card
from gromega.models.card_markdown import MODEL_FILES
from gromega.models.model import load_model
from gromega.models.registry import MODELS, check_name, size_of, verify_folder
from gromega.splits import PARTS, read_part

LIMIT = 12_000_000
"""The size that a released model must be below, bytes: it goes into the git tree."""
DESCRIPTION = ("name", "version", "origin", "licence", "citation")
SYNTHETIC = {
    "name": "Synthetic crystals",
    "version": "of the recipe whose SHA-256 is below",
    "origin": "Drawn at random by 'gromega synthesize', each confirmed by spglib.",
    "licence": "CC-BY-4.0",
    "citation": "gromega, see CITATION.cff",
}
MATERIALS_PROJECT = {
    "name": "Materials Project",
    "version": "v2025.02.12",
    "origin": "Inorganic crystals relaxed by density functional theory, by way of "
    "three public repositories; space groups by spglib.",
    "licence": "CC-BY-4.0",
    "citation": "A. Jain et al., APL Materials 1, 011002 (2013), doi:10.1063/1.4812323",
}
KNOWN = {
    "cd0fbe05377f4aff7395110831059bb2a576d59a3dfcba6592f31efb2fc3e8f2": (
        MATERIALS_PROJECT
    ),
}
"""What is known of sources of crystals, by the SHA-256 of the file."""


@dataclass(frozen=True)
class Statement:
    """What the one who releases a model states about it.

    Parameters
    ----------
    name
        The name, also that of its folder.
    version
        The version, such as ``"v1.0.0"``.
    hardware
        The hardware that it was trained on, in words; None if not stated.
    hours
        The wall time of its training in hours; None if not stated.

    Raises
    ------
    ValueError
        If the name, the version or the hours are not what they should be.
    """

    name: str
    version: str
    hardware: str | None = None
    hours: float | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.name in ("current", "registry", "trained"):
            raise ValueError(
                f"no model can be released as '{self.name}'; give another name."
            )
        if not re.fullmatch(r"v\d+\.\d+\.\d+", self.version):
            raise ValueError(
                f"a version is written as v1.0.0, got '{self.version}'; give --version."
            )
        if self.hours is not None and not 0 < self.hours < np.inf:
            raise ValueError(f"hours must be above 0, got {self.hours:g}.")


def release(
    stated: Statement,
    trained: Path = MODELS / "current",
    metrics: Path = Path("metrics"),
    data: Path = Path("data"),
    source: Path = Path("data/synthetic.yaml"),
    about: Path | None = None,
    models: Path = MODELS,
) -> Path:
    """Make the folder of a released model, whole or not at all, and return it.

    Parameters
    ----------
    stated
        The name, version, hardware and hours.
    trained
        The folder of the trained model.
    metrics
        The folder of the metrics of this model.
    data
        The folder with the crystals.parquet and split.parquet of its training.
    source
        What the crystals were made from, `crystals.source` of params.yaml.
    about
        The description of the source (.yaml), where it is not one of the known.
    models
        The folder for the released model's folder.

    Raises
    ------
    FileNotFoundError
        If a file is not there.
    ValueError
        If model, metrics and data do not belong together, the model is too large, or
        this version was released before with another content.
    """
    model = load_model(trained)
    files = [data / "crystals.parquet", data / "split.parquet"]
    if (data / "extra.parquet").is_file():
        files.insert(1, data / "extra.parquet")
    if source.is_file():
        files.insert(0, source)
    block = {
        **_describe(data / "crystals.parquet", source, about),
        **_count(data, model.training.get("n_train", 0)),
        "sha256": {file.name: sha256(_there(file)) for file in files},
        "structure_types": _read_json(metrics / "crystals.json").get("structure_types"),
    }
    reference = _read_json(metrics / "reference.json")
    told = reference.pop("with_composition", None)
    scores = {
        "reference": reference,
        **({"with_composition": told} if told else {}),
        "sweeps": {
            path.stem: _read_json(path)
            for path in sorted((metrics / "sweeps").glob("*.json"))
        },
    }
    card = make_card(asdict(stated), model, block, scores)
    _check_belongs(card, metrics)
    path = models / stated.name
    partial = path.with_name(path.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        for name in MODEL_FILES:
            shutil.copyfile(trained / name, partial / name)
        write_card(partial, card)
        verify_folder(partial)
        size = size_of(partial)
        if size >= LIMIT:
            raise ValueError(
                f"{trained}: a released model must be below {LIMIT / 1e6:g} MB, this "
                f"one is {size / 1e6:.1f} MB; train a smaller network."
            )
        _check_version(path, read_card(partial))
        put_in_place(partial, path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return path


def _check_version(path: Path, card: dict[str, Any]) -> None:
    """Refuse to release another content as a version that there is already."""
    if not (path / "card.json").is_file():
        return
    there = read_card(path)
    if there["version"] == card["version"] and there["sha256"] != card["sha256"]:
        raise ValueError(
            f"{path} is {card['version']} already, with another content; give a higher "
            "--version, or remove the folder if nobody has it yet."
        )


def _describe(crystals: Path, source: Path, about: Path | None) -> dict[str, str]:
    """Return name, version, origin, licence and citation of the crystals."""
    if about:
        try:
            described = yaml.safe_load(about.read_text("utf-8"))
        except yaml.YAMLError as error:
            raise ValueError(f"{about}: not valid YAML ({error}).") from None
        if not isinstance(described, dict) or set(described) != set(DESCRIPTION):
            raise ValueError(
                f"{about}: must have the keys {', '.join(DESCRIPTION)} and no other."
            )
        return {key: str(described[key]) for key in DESCRIPTION}
    recipe = source.suffix == ".yaml"
    known = SYNTHETIC if recipe else None
    if source.is_file() and not recipe:
        known = KNOWN.get(sha256(source))
    if not known:
        raise ValueError(
            f"{source}: it is not known what these crystals are; say it in a file with "
            f"the keys {', '.join(DESCRIPTION)}, --about FILE.yaml."
        )
    made_from = pq.read_table(_there(crystals), columns=["source"])["source"].unique()
    if ("synthetic" if recipe else source.name) not in made_from.to_pylist():
        raise ValueError(
            f"{crystals}: the crystals were not made from {source}; give what they "
            "were made from with --source."
        )
    return known


def _count(data: Path, n_train: int) -> dict[str, Any]:
    """Return the split and its numbers of crystals, by part and space group.

    What was trained on beyond the split is from the table of extra crystals.
    """
    split, more = data / "split.parquet", data / "extra.parquet"
    facts = pq.read_table(_there(split), columns=["scheme", "seed"]).slice(0, 1)
    groups = {part: read_part(split, part)[1] for part in PARTS}
    extra = n_train - groups["train"].size
    most = pq.read_metadata(more).num_rows if more.is_file() else 0
    if not 0 <= extra <= most:
        raise ValueError(
            f"the model was trained on {n_train} crystals, but {data} has "
            f"{groups['train'].size} to train on and {most} extra; make both again "
            "with 'dvc repro'."
        )
    numbers = np.unique(np.concatenate(list(groups.values())))
    return {
        "split": {
            "scheme": facts["scheme"][0].as_py(), "seed": facts["seed"][0].as_py()
        },
        "crystals": {
            **{part: int(of_part.size) for part, of_part in groups.items()},
            "extra": extra,
        },
        "by_space_group": {
            str(number): {
                part: int(np.count_nonzero(of_part == number))
                for part, of_part in groups.items()
            }
            for number in numbers
        },
    }  # fmt: skip


def _check_belongs(card: Mapping[str, Any], metrics: Path) -> None:
    """Check that the metrics and the split of a card are those of its model."""
    training, crystals = card["training"], card["data"]["crystals"]
    for key, value in _read_json(metrics / "train.json").items():
        if training.get(key, value) != value:
            raise ValueError(
                f"{metrics / 'train.json'}: {key} is {value}, but {training[key]} in "
                "the model; make both again with 'dvc repro'."
            )
    keys = [key for key in ("reference", "with_composition") if key in card["metrics"]]
    scores = {"reference.json": {key: card["metrics"][key] for key in keys}}
    for axis, values in card["metrics"]["sweeps"].items():
        scores[f"sweeps/{axis}.json"] = values
    for name, values in scores.items():
        n_test = {score["n"] for score in values.values()}
        # Another radiation may not see all crystals.
        counted = {max(n_test)} if "radiation" in name else n_test
        if counted != {crystals["test"]}:
            raise ValueError(
                f"{metrics / name}: scores of {', '.join(map(str, sorted(n_test)))} "
                f"crystals, but {crystals['test']} are to be tested on; make them "
                "again with 'dvc repro'."
            )


def _there(path: Path) -> Path:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file; run 'dvc repro'.")
    return path


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: not JSON ({error}).") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path}: has no names; make it again with 'dvc repro'.")
    return content
