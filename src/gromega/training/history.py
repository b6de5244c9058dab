"""The progress and the results of a training, epoch by epoch."""

import csv
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path

import numpy as np
from flax import nnx

from gromega._util.files import write_whole
from gromega.networks.inference import Compiled
from gromega.networks.logits import ranks
from gromega.training.inputs import LabelledPDFs


@dataclass(frozen=True)
class Epoch:
    """The results of one epoch: a row of metrics/training.csv.

    The accuracies are those on the validation part: at the reference, and at conditions
    from the whole box, NaN for a recipe without a box.
    """

    epoch: int  # from 1
    loss: float  # the mean of its steps
    top1: float
    top6: float
    box_top1: float = float("nan")
    box_top6: float = float("nan")

    @property
    def mean_top1(self) -> float:
        """The mean top-1 accuracy, which is highest in the best epoch."""
        return float(np.nanmean([self.top1, self.box_top1]))


@dataclass(frozen=True)
class Progress:
    """The progress of a training after a step; `epoch` and `step` count from 1."""

    epoch: int
    step: int
    steps: int  # in an epoch
    loss: float
    rate: float  # training PDFs per second since the start


def accuracies(network: nnx.Module, pdfs: LabelledPDFs) -> tuple[float, float]:
    """Return the top-1 and top-6 accuracies of a network."""
    rank = ranks(Compiled(network).predict(pdfs.g), pdfs.y)
    return float(np.mean(rank < 1)), float(np.mean(rank < 6))


def write_history(path: Path, history: list[Epoch]) -> None:
    """Write the loss and accuracies of each epoch to a CSV file."""
    text = StringIO()
    writer = csv.DictWriter(text, list(asdict(history[0])), lineterminator="\n")
    writer.writeheader()
    for epoch in history:
        row = asdict(epoch)
        writer.writerow({k: "" if np.isnan(v) else f"{v:.6g}" for k, v in row.items()})
    write_whole(path, text.getvalue())


def summarize(
    history: list[Epoch],
    network: nnx.Module,
    n_train: int,
    validation: LabelledPDFs,
    box: LabelledPDFs | None = None,
) -> dict[str, float | int]:
    """Return the best epoch, the accuracies of the network, and the sizes of the parts.

    The network is the saved one, which may differ from that of the best epoch;
    `validation` is the validation part at the reference, `box` the same at conditions
    from the whole box.
    """
    best = max(history, key=lambda epoch: epoch.mean_top1)
    result: dict[str, float | int] = {
        "best_epoch": best.epoch,
        "n_train": n_train,
        "n_validation": int(validation.y.size),
    }
    for prefix, pdfs in (("validation", validation), ("validation_box", box)):
        if pdfs:
            top1, top6 = accuracies(network, pdfs)
            result[f"{prefix}_top1"] = round(top1, 6)
            result[f"{prefix}_top6"] = round(top6, 6)
    return result
