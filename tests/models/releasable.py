"""What a pipeline leaves behind, as small as can be released."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa

from gromega.conditions import REFERENCE
from gromega.crystals.table import write_table
from gromega.files import write_json
from gromega.models.calibration import Calibration
from gromega.models.model import Model, save_model
from gromega.models.recipes import make_network
from gromega.models.weights import to_arrays
from gromega.splits import write_split

NETWORK = {"name": "residual", "widths": (8, 16), "dropout": 0.1}
GROUPS = np.array([194, 225, 229])
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


def make_model(groups=GROUPS, training=TRAINING, **more):
    """Return an untrained model."""
    network = make_network(NETWORK, len(groups), 3)
    return Model(to_arrays(network), groups, NETWORK, REFERENCE, training, **more)


def write_pipeline(folder):
    """Write models/current, data and metrics of three groups of eight crystals.

    Of each eight, five are trained on, one validates, and two are tested on.
    """
    save_model(folder / "models" / "current", make_model(calibration=CALIBRATION))
    data, metrics = folder / "data", folder / "metrics"
    ids = [f"{group}-{i}" for group in GROUPS for i in range(8)]
    crystals = pa.table({"id": ids, "source": ["synthetic"] * len(ids)})
    write_table(crystals, data / "crystals.parquet")
    (data / "synthetic.yaml").write_text("space_groups: [194, 225, 229]\n")
    parts = (["train"] * 5 + ["validation"] + ["test"] * 2) * 3
    groups = np.repeat(GROUPS, 8)
    write_split(data / "split.parquet", ids, groups, parts, "random", 7)
    write_json(metrics / "reference.json", {**SCORE, "ece": 0.04})
    sweep = {"0.00": {**SCORE, "top6": 0.9}, "0.15": {**SCORE, "top6": 0.2}}
    write_json(metrics / "sweeps" / "qdamp.json", sweep)
    write_json(metrics / "train.json", {"best_epoch": 28, "n_train": 15})
    write_json(metrics / "crystals.json", {"structure_types": 3})


def change_json(path, **values):
    """Set some keys of a JSON file, and take away those to be set to None."""
    content = {**json.loads(Path(path).read_text("utf-8")), **values}
    gone = [key for key, value in values.items() if value is None]
    write_json(Path(path), {k: v for k, v in content.items() if k not in gone})
