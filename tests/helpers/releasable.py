"""The files of a small pipeline, whose model can be released."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa

from gromega._util.files import sha256, write_json
from gromega._util.manifest import MANIFEST, write_manifest
from gromega.conditions import REFERENCE
from gromega.crystals.table import write_table
from gromega.lake.predictions import StoredPredictions, write_predictions
from gromega.lake.splits import read_part, write_split
from gromega.lake.store import new_store
from gromega.model.calibration import Calibration
from gromega.model.io import hashes_of, save_model
from gromega.model.model import Model
from gromega.networks.build import make_network
from gromega.networks.weights import to_arrays
from gromega.sweeps import get_sweep

NETWORK = {"name": "residual", "widths": (8, 16), "dropout": 0.1}
GROUPS = np.array([194, 225, 229])
IDS = [f"{group}-{i}" for group in GROUPS for i in range(8)]
TRAINING = {
    "recipe": "small",
    "epochs": 30,
    "seed": 0,
    "best_epoch": 28,
    "n_train": 15,
    "n_validation": 3,
}
CALIBRATION = Calibration(1.25, {"0.90": 0.85, "0.95": 0.93}, "validation part", 3)
SCORE = {"top1": 0.5, "top6": 1.0, "n": 6}
INFO = {"name": "tiny", "version": "v1.2.0", "hardware": "2 cores", "hours": 0.5}
LINEAGE = {
    "commit": None,
    "clean": None,
    "dvc_lock": None,
    "python": "3.11.2",
    "libraries": {"numpy": "2.4.6"},
    "parent": None,
}
METRICS = {
    "reference": {**SCORE, "ece": 0.041},
    "sweeps": {
        "qdamp": {"0.00": {**SCORE, "top6": 0.9}, "0.15": {**SCORE, "top6": 0.2}},
        "rmax": {"10": {**SCORE, "top6": 0.3}},
    },
}
DATA = {
    "name": "Materials Project",
    "version": "v2025.02.12",
    "origin": "Inorganic crystals.",
    "licence": "CC-BY-4.0",
    "citation": "A. Jain et al. (2013)",
    "sha256": {"crystals.parquet": "0" * 64, "split.parquet": "1" * 64},
    "split": {"scheme": "random", "seed": 0},
    "crystals": {"train": 15, "validation": 3, "test": 6, "augmentation": 0},
    "structure_types": 3,
    "by_space_group": {
        "194": {"train": 9, "validation": 1, "test": 2},
        "225": {"train": 2, "validation": 1, "test": 2},
        "229": {"train": 4, "validation": 1, "test": 2},
    },
}
"""The block ``data`` of a card."""


def novelty_scores():
    """Return scores by statement on the structure type and by class of novelty."""
    score = {
        "n": 12, "top1": 0.25, "top6": 0.75, "confidence": 0.3, "ece": 0.05,
        "coverage": 0.875, "size": 9.5,
    }  # fmt: skip
    known = {**score, "n": 48, "top1": 0.8125, "size": 2.5}
    classes = {
        "all": score,
        "new": score,
        "no relative": score,
        "1 or 2 relatives": known,
    }
    far = {"AMD distance from 10 %": known}
    return dict.fromkeys(("known", "new", "unsure"), classes | far)


def cell_size_scores():
    """Return scores of the sizes of primitive cells, by composition and class."""
    score = {
        "n": 60, "right": 0.5, "confidence": 0.625, "coverage": 0.95, "width": 2.0,
        "volume_error": None, "volume_coverage": None, "volume_width": None,
    }  # fmt: skip
    volume = {"volume_error": 0.125, "volume_coverage": 0.9, "volume_width": 1.75}
    return {
        "without_composition": {"all": score, "new": {**score, "right": 0.25}},
        "with_composition": {"all": {**score, **volume, "right": 0.75}},
    }


def make_model(groups=GROUPS, training=TRAINING, **more):
    """Return an untrained model."""
    network = make_network(NETWORK, len(groups), 3)
    return Model(to_arrays(network), groups, NETWORK, REFERENCE, training, **more)


def write_pipeline(folder):
    """Write models/current, data and predictions: three groups of eight crystals.

    Of each eight, five are for training, one for validation, and two for tests.
    """
    data = folder / "data"
    crystals = pa.table(
        {
            "id": IDS,
            "structure_type": [name[:3] for name in IDS],
            "source": ["synthetic"] * len(IDS),
        }
    )
    write_table(crystals, data / "crystals.parquet")
    (data / "synthetic.yaml").write_text("space_groups: [194, 225, 229]\n")
    (folder / "params.yaml").write_text("crystals:\n  groups: 3\n")
    split(folder, ["train"] * 5 + ["validation"] + ["test"] * 2, 7)
    train(folder)


def split(folder, parts, seed):
    """Write a split, given the parts of the eight crystals of each group."""
    path, groups = folder / "data" / "split.parquet", np.repeat(GROUPS, 8)
    write_split(path, IDS, groups, parts * GROUPS.size, "random", seed)


def train(folder, **training):
    """Write models/current, as if trained with files of data, and its predictions."""
    files = ("crystals.parquet", "split.parquet")
    hashes = {name: sha256(folder / "data" / name) for name in files}
    facts = {**TRAINING, "sha256": hashes, **training}
    model = make_model(training=facts, calibration=CALIBRATION)
    save_model(folder / "models" / "current", model)
    predict(folder, "reference.zarr")
    predict(folder, "sweeps/qdamp.zarr")
    scores = {"reference": {"without_composition": novelty_scores()}}
    content = {"model": hashes_of(folder / "models" / "current"), "scores": scores}
    content["cell_sizes"] = {"reference": cell_size_scores()}
    write_json(folder / "data" / "predictions" / "novelty.json", content)


def predict(folder, name, right=3, with_composition=None, invalid=0):
    """Write predictions of models/current for the six crystals of the test part.

    Parameters
    ----------
    folder
        The folder of the pipeline.
    name
        The name of the store, ``reference.zarr`` or ``sweeps/<axis>.zarr``.
    right
        The number of correct predictions.
    with_composition
        The same with the compositions; None for no such predictions.
    invalid
        The number of crystals without a PDF at the last point.
    """
    ids, labels = read_part(folder / "data" / "split.parquet", "test")
    sweep = None if name == "reference.zarr" else get_sweep(Path(name).stem)
    shape = sweep.shape if sweep else ()

    def given(right):
        truth = np.searchsorted(GROUPS, labels)
        first = np.where(np.arange(truth.size) < right, truth, (truth + 1) % 3)
        log_p = np.log(np.where(np.arange(3) == first[:, None], 0.6, 0.2))
        return np.broadcast_to(log_p, (*shape, *log_p.shape))

    at = [omega.to_mapping() for omega in sweep.conditions()] if sweep else None
    conditions = json.dumps(at or REFERENCE.to_mapping())
    with new_store(folder / "data" / name, {"conditions": conditions}):
        pass
    n = int(np.prod(shape, dtype=int))
    valid = np.ones((n, ids.size), bool)
    if sweep:
        valid[-1, :invalid] = False
    log_p = [
        None if k is None else given(k).reshape(n, -1, 3)
        for k in (right, with_composition)
    ]
    model = hashes_of(folder / "models/current")
    found = StoredPredictions(ids, GROUPS, log_p[0], valid, sweep, log_p[1], model)
    write_predictions(folder / "data" / "predictions" / name, found)


def change_json(path, **values):
    """Set some keys of a JSON file, and remove those set to None.

    A manifest beside it is made again, as if the file had been written so.
    """
    path = Path(path)
    content = {**json.loads(path.read_text("utf-8")), **values}
    gone = [key for key, value in values.items() if value is None]
    write_json(path, {k: v for k, v in content.items() if k not in gone})
    if (path.parent / MANIFEST).is_file():
        write_manifest(path.parent)
