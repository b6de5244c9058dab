"""Releases: the folder of a trained model, with a card, under a name and version."""

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gromega._util.files import new_path, read_json
from gromega._util.manifest import write_manifest
from gromega.conditions import Conditions
from gromega.evaluation.predictions import within
from gromega.evaluation.score import (
    ALL_GROUPS,
    WITH_COMPOSITION,
    scores,
    scores_at_reference,
)
from gromega.lake.predictions import StoredPredictions, read_predictions
from gromega.lake.splits import benchmark_groups, read_benchmark, read_part
from gromega.lake.store import open_store, read_values
from gromega.lake.verify import verify_store
from gromega.model.io import MODEL_FILES, MODELS, hashes_of, load_model
from gromega.registry.card import check_same_files, make_card, read_card, write_card
from gromega.registry.lineage import lineage_of, write_params
from gromega.registry.names import check_name
from gromega.registry.registry import size_of, verify_folder
from gromega.registry.training_data import describe_training_data
from gromega.sweeps import Sweep, get_sweep

LIMIT = 30_000_000
"""The size of a released model must be below this, in bytes: it is kept in git."""
RESERVED = ("current", "registry", "trained")
"""The names of other folders beside the released models."""


@dataclass(frozen=True)
class ReleaseInfo:
    """The facts that are stated by hand when a model is released.

    They are the name of the model and of its folder, its version, such as ``"v1.0.0"``,
    and, if known, the hardware of the training in words and its wall time in hours.
    Values that are not allowed raise ValueError.
    """

    name: str
    version: str
    hardware: str | None = None
    hours: float | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.name in RESERVED:
            raise ValueError(
                f"'{self.name}' is the name of another folder; give another name."
            )
        if not re.fullmatch(r"v\d+\.\d+\.\d+", self.version):
            raise ValueError(
                f"a version has the form v1.0.0, got '{self.version}'; give --version."
            )
        if self.hardware is not None and not self.hardware.isprintable():
            raise ValueError(
                f"hardware must be one line of plain text, got {self.hardware!r}."
            )
        if self.hours is not None and not 0 < self.hours < np.inf:
            raise ValueError(f"hours must be above 0, got {self.hours:g}.")


def release(
    info: ReleaseInfo,
    trained: Path = MODELS / "current",
    data: Path = Path("data"),
    source: Path = Path("data/synthetic.yaml"),
    description: Path | None = None,
    models: Path = MODELS,
) -> Path:
    """Make the folder of a released model, complete or not at all, and return it.

    Parameters
    ----------
    trained, models
        The folders of the trained model, and of the released models.
    data
        The folder with the crystals.parquet and split.parquet of its training, and
        with its predictions for the test part, which are scored. params.yaml and
        dvc.lock are beside it.
    source, description
        The source of the crystals, `crystals.source` of params.yaml, and its
        description (.yaml), unless it is a known one.

    Raises
    ------
    ValueError
        If model, data and predictions do not belong together, if the model is too
        large, or if a higher version, or this one with other content, exists.
    """
    path = models / info.name
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise ValueError(f"{path}: this is a link or a file; move it elsewhere.")
    model = load_model(trained)
    hashes = model.training.get("sha256")
    if not hashes:
        raise ValueError(
            f"{trained}: config.json does not state the files of the training; train "
            "the model again with 'dvc repro'."
        )
    files = {name: data / name for name in hashes}
    check_same_files(trained, hashes, files, "make both again with 'dvc repro'")
    metrics = score_predictions(data, model.conditions, hashes_of(trained))
    n_train = model.training.get("n_train", 0)
    block = describe_training_data(data, source, description, n_train, hashes)
    lineage = lineage_of(data.parent, trained, model)
    card = make_card(asdict(info), model, block, metrics, lineage)
    with new_path(path) as partial:
        partial.mkdir()
        for name in MODEL_FILES:
            shutil.copyfile(trained / name, partial / name)
        shutil.copyfile(data / "split.parquet", partial / "split.parquet")
        write_params(data.parent, partial / "params.yaml")
        write_card(partial, card)
        write_manifest(partial)
        verify_folder(partial)
        size = size_of(partial)
        if size >= LIMIT:
            raise ValueError(
                f"{trained}: a released model must be below {LIMIT / 1e6:g} MB, but "
                f"this one has {size / 1e6:.1f} MB; train a smaller network."
            )
        _check_version(path, read_card(partial))
    return path


def _check_version(path: Path, card: dict[str, Any]) -> None:
    """Raise ValueError if a higher version, or this one with other content, exists."""
    if not (path / "card.json").is_file():
        return
    existing = read_card(path)
    versions = (each["version"][1:].split(".") for each in (existing, card))
    old, new = ([int(number) for number in version] for version in versions)
    if new < old or (new == old and existing["sha256"] != card["sha256"]):
        other = " with other content" if new == old else ""
        raise ValueError(
            f"{path} is already {existing['version']}{other}; give a higher --version, "
            "or remove the folder if it was never published."
        )


def score_predictions(
    data: Path, omega: Conditions, hashes: Mapping[str, str]
) -> dict[str, Any]:
    """Return the block ``metrics`` of a card, from the predictions of this very model.

    The folder `data` has split.parquet, PDFs and predictions; `omega` is that of the
    reference, from which sweeps start; the SHA-256 are those of the model's files.

    Predictions that are incomplete, of another model, for other crystals or for PDFs at
    other conditions raise ValueError.
    """
    split = data / "split.parquet"
    groups = benchmark_groups(split)
    test, space_groups = read_part(split, "test")
    of_benchmark, labels = read_benchmark(split, "test")

    def checked(name: str, sweep: Sweep | None) -> StoredPredictions:
        path = data / "predictions" / name
        verify_store(path)
        found = read_predictions(path, sweep)
        points = sweep.conditions(omega) if sweep else [omega]
        expected: Any = [each.to_mapping() for each in points]
        stored = json.loads(
            str(open_store(data / name).attrs.get("conditions", "null"))
        )
        if stored != (expected if sweep else expected[0]):
            raise ValueError(
                f"{data / name}: the PDFs are not at the conditions of the training; "
                "make them, and the predictions, again with 'dvc repro'."
            )
        if found.model_sha256 != hashes:
            other = "of another model"
        elif found.ids.tolist() != (of_benchmark if sweep else test).tolist():
            other = "for another test part"
        else:
            return found
        raise ValueError(
            f"{path}: the predictions are {other}; make them again with 'dvc repro'."
        )

    found = checked("reference.zarr", None)
    reference = scores_at_reference(found, groups, space_groups)
    apart = (WITH_COMPOSITION, ALL_GROUPS)
    others = {key: reference.pop(key) for key in apart if key in reference}
    metrics: dict[str, Any] = {"reference": reference, **others, "sweeps": {}}
    for path in sorted((data / "predictions" / "sweeps").glob("*.zarr")):
        sweep = get_sweep(path.stem, read_values(path))
        along = checked(f"sweeps/{path.name}", sweep)
        along = within(along, groups, labels)
        metrics["sweeps"][sweep.name] = scores(along, labels)
    path = data / "predictions" / "novelty.json"
    by_novelty = read_json(path)
    if by_novelty["model"] != hashes:
        raise ValueError(
            f"{path}: the scores are of another model; make them again with 'dvc "
            "repro'."
        )
    sizes = by_novelty.get("cell_sizes", {})
    return {**metrics, "novelty": by_novelty["scores"], "cell_sizes": sizes}
