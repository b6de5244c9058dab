"""Measure predictions for crystals outside the model's space groups.

    python experiments/other_groups.py RUN [--model MODEL]

RUN is a folder where the pipeline ran. Of its data/other_groups.parquet, crystals
that the calibration was not fitted to are drawn at random and simulated at the
reference, as those of the test part are. The tables give, by the confidence of the
prediction, the share of either kind, the true share of other groups where these are as
common as in the source of RUN's crystals, and the share that the model predicts:
without and with the composition.
"""

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from gromega import load_model
from gromega.conditions import REFERENCE
from gromega.crystals.table import crystals_of, read_formulas, read_table
from gromega.lake.pdfs import read_pdfs
from gromega.lake.splits import read_part
from gromega.model.fit import N_OTHER_GROUPS, OTHER_GROUPS_SEED
from gromega.networks.logits import classes, ranks
from gromega.pdf.bins import DMAX
from gromega.pdf.network_grid import simulate_input
from gromega.pdf.spectrum import make_spectra

LEVELS = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 1.0)
HEADINGS = (
    "confidence",
    "inside",
    "right",
    "outside",
    "outside, true",
    "outside, predicted",
)


def main() -> None:
    """Print a table without and one with the composition."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument(
        "--model", type=Path, help="The model; that of RUN if left out."
    )
    parser.add_argument("--count", type=int, default=3000)
    options = parser.parse_args()
    data = options.run / "data"
    model = load_model(options.model or options.run / "models/current", compiled=True)
    table = read_table(data / "other_groups.parquet")
    order = np.random.default_rng(OTHER_GROUPS_SEED).permutation(table.num_rows)
    drawn = order[N_OTHER_GROUPS : N_OTHER_GROUPS + options.count]
    crystals = crystals_of(table.take(pa.array(drawn)))
    spectra = make_spectra(crystals, REFERENCE.radiation, DMAX)
    density = [crystal.density for crystal in crystals]
    ids = [crystal.id for crystal in crystals]
    g = simulate_input(spectra, density, ids, REFERENCE, DMAX)
    formulas = [crystal.formula for crystal in crystals]
    outside = model.without_and_with_composition(g, formulas)
    ids, labels = read_part(data / "split.parquet", "test")
    inside = model.without_and_with_composition(
        read_pdfs(data / "reference.zarr", ids),
        read_formulas(data / "crystals.parquet", ids),
    )
    y = classes(model.space_groups, labels)
    print(f"{drawn.size:,} crystals of other groups, {ids.size:,} of the test part")
    for what, calibration, ours, theirs in zip(
        ("without the composition", "with the composition"),
        (model.calibration, model.calibration_with_composition),
        inside, outside, strict=True,
    ):  # fmt: skip
        if calibration and calibration.other_groups and ours is not None:
            show(what, calibration.other_groups, ours, theirs, ranks(ours, y) < 1)


def show(what, fit, ours, theirs, right):
    """Print the table for predictions without or with the composition."""
    log_p = np.concatenate([ours, theirs])
    is_other = np.arange(len(log_p)) >= len(ours)
    confidence, predicted = np.exp(log_p.max(axis=1)), fit.probability(log_p)
    weights = np.where(is_other, fit.share / len(theirs), (1 - fit.share) / len(ours))
    made = Table(title=f"{what}; other groups {fit.share:.1%}")
    for heading in HEADINGS:
        made.add_column(heading, justify="right")
    for low, high in (*pairwise(LEVELS), (0.0, 1.0)):
        inside = (low <= confidence) & ((confidence < high) | (high == 1))
        w = weights[inside] / weights[inside].sum()
        shares = (
            inside[~is_other].mean(), right[inside[~is_other]].mean(),
            inside[is_other].mean(), w @ is_other[inside], w @ predicted[inside],
        )  # fmt: skip
        made.add_row(f"{low:g} to {high:g}", *(f"{each:.1%}" for each in shares))
    loss = -weights @ np.log(np.where(is_other, predicted, 1 - predicted))
    Console(highlight=False).print(made, f"mean of -log p: {loss:.3f}")


if __name__ == "__main__":
    main()
