"""Measure how accuracy grows with the number of training crystals.

    python experiments/learning_curve.py RUN/data 40

Train the small network on an eighth, a quarter, a half and all of the training part of
RUN, a folder in which the pipeline was run, and score each at the reference on the test
part. Each trains for the number of steps that the given epochs of all crystals take. A
line through the logarithms of error and number extrapolates to the number of crystals
that an accuracy would need. With too few epochs, such as six, the steps limit all of
them.
"""

import sys
from pathlib import Path

import numpy as np

from gromega.lake.pdfs import read_pdfs
from gromega.lake.splits import read_part
from gromega.networks.build import make_network
from gromega.networks.inference import Compiled
from gromega.networks.logits import ranks
from gromega.training.inputs import FixedInputs, LabelledPDFs
from gromega.training.loop import train_network
from gromega.training.recipes import get_recipe

PARTS = (8, 4, 2, 1)
WANTED = {1: 0.75, 6: 0.95}


def main(data: Path, epochs: int) -> None:
    """Train on each share, score, and extrapolate."""
    small = get_recipe("small")
    groups = np.unique(read_part(data / "split.parquet", "train")[1])

    def part(name: str) -> LabelledPDFs:
        ids, labels = read_part(data / "split.parquet", name)
        g = read_pdfs(data / "reference.zarr", ids)
        return LabelledPDFs(ids, g, np.searchsorted(groups, labels))

    train, validation, test = map(part, ("train", "validation", "test"))
    # Each subset is contained in the next one.
    order = np.random.default_rng(0).permutation(train.y.size)
    numbers, errors = [], []
    for parts in PARTS:
        rows = np.sort(order[: train.y.size // parts])
        inputs = FixedInputs(
            LabelledPDFs(train.ids[rows], train.g[rows], train.y[rows]), small.stretch
        )
        fresh = make_network(small.network, groups.size, 0)
        network, _ = train_network(
            small, fresh, inputs, validation, test.ids, epochs * parts, seed=0
        )
        log_p = Compiled(network).predict(test.g)
        right = [np.mean(ranks(log_p, test.y) < k) for k in WANTED]
        numbers.append(rows.size)
        errors.append([1 - share for share in right])
        print(
            f"{rows.size:6} crystals, {epochs * parts} epochs: top-1 {right[0]:.1%}, "
            f"top-6 {right[1]:.1%} of {test.y.size} test crystals",
            flush=True,
        )
    for (k, wanted), error in zip(WANTED.items(), np.transpose(errors), strict=True):
        slope, start = np.polyfit(np.log(numbers), np.log(error), 1)
        needed = np.exp((np.log(1 - wanted) - start) / slope)
        print(
            f"top-{k}: the error falls as n^{slope:.2f}, so {wanted:.0%} would take "
            f"{needed:.2g} crystals"
        )


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), int(sys.argv[2]))
