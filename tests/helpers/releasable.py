"""What a pipeline leaves behind, as small as can be released."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa

from gromega._util.files import sha256, write_json
from gromega.conditions import REFERENCE
from gromega.crystals.table import write_table
from gromega.lake.splits import read_part, write_split
from gromega.lake.store import new_store, write_predictions
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


def make_model(groups=GROUPS, training=TRAINING, **more):
    """Return an untrained model."""
    network = make_network(NETWORK, len(groups), 3)
    return Model(to_arrays(network), groups, NETWORK, REFERENCE, training, **more)


def write_pipeline(folder):
    """Write models/current, data and answers of three groups of eight crystals.

    Of each eight, five are trained on, one validates, and two are tested on.
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
    split(folder, ["train"] * 5 + ["validation"] + ["test"] * 2, 7)
    train(folder)


def split(folder, parts, seed):
    """Write a split, given the parts of the eight crystals of each group."""
    path, groups = folder / "data" / "split.parquet", np.repeat(GROUPS, 8)
    write_split(path, IDS, groups, parts * GROUPS.size, "random", seed)


def train(folder, learned=("crystals.parquet", "split.parquet"), **training):
    """Write models/current, as if trained on files of data, and what it answers."""
    hashes = {name: sha256(folder / "data" / name) for name in learned}
    facts = {**TRAINING, "sha256": hashes, **training}
    model = make_model(training=facts, calibration=CALIBRATION)
    save_model(folder / "models" / "current", model)
    answer(folder, "reference.zarr")
    answer(folder, "sweeps/qdamp.zarr")


def answer(folder, name, right=3, told=None, unseen=0):
    """Write answers of models/current to the test part, so many of six right.

    Those told the compositions, if any, and how many crystals were not seen at the
    last point.
    """
    ids, labels = read_part(folder / "data" / "split.parquet", "test")
    sweep = None if name == "reference.zarr" else get_sweep(Path(name).stem)
    shape = sweep.shape if sweep else ()

    def saying(right):
        truth = np.searchsorted(GROUPS, labels)
        said = np.where(np.arange(truth.size) < right, truth, (truth + 1) % 3)
        log_p = np.log(np.where(np.arange(3) == said[:, None], 0.6, 0.2))
        return np.broadcast_to(log_p, (*shape, *log_p.shape))

    at = [omega.to_mapping() for omega in sweep.conditions()] if sweep else None
    conditions = json.dumps(at or REFERENCE.to_mapping())
    with new_store(folder / "data" / name, {"conditions": conditions}):
        pass
    seen = np.ones((*shape, ids.size), bool)
    if sweep:
        seen[-1, :unseen] = False
    write_predictions(
        folder / "data" / "predictions" / name, sweep, ids, GROUPS, saying(right), seen,
        None if told is None else saying(told), hashes_of(folder / "models/current"),
    )  # fmt: skip


def change_json(path, **values):
    """Set some keys of a JSON file, and take away those to be set to None."""
    content = {**json.loads(Path(path).read_text("utf-8")), **values}
    gone = [key for key, value in values.items() if value is None]
    write_json(Path(path), {k: v for k, v in content.items() if k not in gone})
