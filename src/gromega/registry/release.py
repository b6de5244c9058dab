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
from numpy.typing import NDArray

from gromega._util.files import put_in_place, sha256
from gromega.conditions import Conditions
from gromega.evaluation.predictions import read_predictions
from gromega.evaluation.score import WITH_COMPOSITION, Scores, scores
from gromega.lake.splits import PARTS, read_part
from gromega.lake.store import open_store, verify_store
from gromega.model.io import MODEL_FILES, hashes_of, load_model
from gromega.model.model import Model
from gromega.registry.card import make_card, read_card, write_card
from gromega.registry.registry import MODELS, check_name, size_of, verify_folder
from gromega.sweeps import Sweep, get_sweep

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
        if self.hardware is not None and not self.hardware.isprintable():
            raise ValueError("the hardware is stated in one line of plain text.")
        if self.hours is not None and not 0 < self.hours < np.inf:
            raise ValueError(f"hours must be above 0, got {self.hours:g}.")


def release(
    stated: Statement,
    trained: Path = MODELS / "current",
    data: Path = Path("data"),
    source: Path = Path("data/synthetic.yaml"),
    about: Path | None = None,
    models: Path = MODELS,
) -> Path:
    """Make the folder of a released model, whole or not at all, and return it.

    Its scores are those of what it answered to the test part.

    Parameters
    ----------
    stated
        The name, version, hardware and hours.
    trained
        The folder of the trained model.
    data
        The folder with the crystals.parquet and split.parquet of its training, and
        with its answers.
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
        If model, data and answers do not belong together, the model is too large, or
        there is a higher version, or this one with another content.
    """
    path = models / stated.name
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise ValueError(f"{path}: it is a link or a file; move it elsewhere.")
    model = load_model(trained)
    learned = _learned_from(model, trained, data)
    test, groups = read_part(data / "split.parquet", "test")
    found = _scores(data, model.conditions, hashes_of(trained), test, groups)
    block = {
        **_describe(data / "crystals.parquet", source, about),
        **_count(data, model.training.get("n_train", 0)),
        "sha256": {
            **({source.name: sha256(source)} if source.is_file() else {}), **learned
        },
    }  # fmt: skip
    card = make_card(asdict(stated), model, block, found)
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
    """Refuse a lower version than there is, and the same with another content."""
    if not (path / "card.json").is_file():
        return
    there = read_card(path)
    old, new = (_numbers(each["version"]) for each in (there, card))
    if new < old or (new == old and there["sha256"] != card["sha256"]):
        what = "already, with another content" if new == old else "already"
        raise ValueError(
            f"{path} is {there['version']} {what}; give a higher --version, or remove "
            "the folder if nobody has it yet."
        )


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version[1:].split(".")]


def _learned_from(model: Model, trained: Path, data: Path) -> dict[str, str]:
    """Return the SHA-256 of what a model was trained on, which must be there."""
    learned = model.training.get("sha256")
    if not learned:
        raise ValueError(
            f"{trained}: the model does not say what it was trained on; train it again "
            "with 'dvc repro'."
        )
    for name, digest in learned.items():
        if sha256(data / name) != digest:
            raise ValueError(
                f"{trained} was trained on another {name} than {data / name}, and may "
                "have learned from crystals that are tested on; make both again with "
                "'dvc repro'."
            )
    return dict(learned)


def _scores(
    data: Path,
    omega: Conditions,
    by: Mapping[str, str],
    test: NDArray[np.str_],
    groups: NDArray[np.int64],
) -> dict[str, Any]:
    """Return the block ``metrics`` of a card, from answers of this very model.

    They are to PDFs at the conditions of the model, and along sweeps from there.
    """
    answers = data / "predictions"

    def scored(path: Path, pdfs: Path, sweep: Sweep | None) -> dict[str, Scores]:
        verify_store(path)
        found = read_predictions(path)
        if found.sweep != sweep:
            what = found.sweep.name if found.sweep else "the reference"
            raise ValueError(f"{path}: the answers are those along {what}; remove it.")
        at = sweep.conditions(omega) if sweep else [omega]
        stated = json.loads(str(open_store(pdfs).attrs.get("conditions", "null")))
        wanted: Any = [each.to_mapping() for each in at]
        if stated != (wanted if sweep else wanted[0]):
            raise ValueError(
                f"{pdfs}: the PDFs are not at the conditions that the model was "
                "trained at; make them, and the answers, again with 'dvc repro'."
            )
        if found.by != by or found.ids.tolist() != test.tolist():
            whose = "of another model" if found.by != by else "to another test part"
            raise ValueError(
                f"{path}: the answers are {whose}; make them again with 'dvc repro'."
            )
        return scores(found, groups)

    reference = scored(answers / "reference.zarr", data / "reference.zarr", None)[""]
    told = reference.pop(WITH_COMPOSITION, None)
    return {
        "reference": reference,
        **({WITH_COMPOSITION: told} if told else {}),
        "sweeps": {
            path.stem: scored(path, data / "sweeps" / path.name, get_sweep(path.stem))
            for path in sorted((answers / "sweeps").glob("*.zarr"))
        },
    }


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
    made_from = pq.read_table(crystals, columns=["source"])["source"].unique()
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
    split = data / "split.parquet"
    facts = pq.read_table(split, columns=["scheme", "seed"]).slice(0, 1)
    groups = {part: read_part(split, part)[1] for part in PARTS}
    types = pq.read_table(data / "crystals.parquet", columns=["structure_type"])
    numbers = np.unique(np.concatenate(list(groups.values())))
    return {
        "split": {
            "scheme": facts["scheme"][0].as_py(), "seed": facts["seed"][0].as_py()
        },
        "crystals": {
            **{part: int(of_part.size) for part, of_part in groups.items()},
            "extra": n_train - groups["train"].size,
        },
        "structure_types": len(types["structure_type"].unique()),
        "by_space_group": {
            str(number): {
                part: int(np.count_nonzero(of_part == number))
                for part, of_part in groups.items()
            }
            for number in numbers
        },
    }  # fmt: skip
