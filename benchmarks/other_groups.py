"""What a model answers where the true space group is none of those that it knows.

    python benchmarks/other_groups.py RUN [--model MODEL]

RUN is a folder where the pipeline ran. Of its data/other_groups.parquet, crystals
that the calibration was not fitted on are drawn at random, and simulated at the
reference as those of the test part are. Printed is, by the confidence of the answer,
which share of either is answered so, how likely the group is another one where these
are as common as in the source of RUN's crystals, and how likely the model says it is:
alone, and with the composition.
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
from gromega.networks.logits import classes, ranks
from gromega.pdf.bins import DMAX
from gromega.pdf.network_grid import simulate_input
from gromega.pdf.spectrum import pair_spectra
from gromega.pipeline.calibrate import MOST_OTHERS, OTHERS_SEED

LEVELS = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 1.0)
HEADINGS = ("confidence", "known", "right", "other", "another group", "the model says")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--model", type=Path, help="RUN's own if left out")
    parser.add_argument("--count", type=int, default=3000)
    options = parser.parse_args()
    data = options.run / "data"
    model = load_model(options.model or options.run / "models/current", compiled=True)
    table = read_table(data / "other_groups.parquet")
    order = np.random.default_rng(OTHERS_SEED).permutation(table.num_rows)
    drawn = order[MOST_OTHERS : MOST_OTHERS + options.count]
    crystals = crystals_of(table.take(pa.array(drawn)))
    spectra = pair_spectra(crystals, REFERENCE.radiation, DMAX)
    density = [crystal.density for crystal in crystals]
    ids = [crystal.id for crystal in crystals]
    g = simulate_input(spectra, density, ids, REFERENCE, DMAX)
    formulas = [crystal.formula for crystal in crystals]
    others = model.without_and_with_composition(g, formulas)
    ids, labels = read_part(data / "split.parquet", "test")
    known = model.without_and_with_composition(
        read_pdfs(data / "reference.zarr", ids),
        read_formulas(data / "crystals.parquet", ids),
    )
    y = classes(model.space_groups, labels)
    print(f"{drawn.size:,} crystals of other groups, {ids.size:,} of the test part")
    for what, calibration, ours, theirs in zip(
        ("alone", "told the compositions"),
        (model.calibration, model.with_composition), known, others, strict=True,
    ):  # fmt: skip
        if calibration and calibration.other_groups and ours is not None:
            show(what, calibration.other_groups, ours, theirs, ranks(ours, y) < 1)


def show(what, doubt, known, others, right):
    """Print the table for one way to ask."""
    log_p = np.concatenate([known, others])
    is_other = np.arange(len(log_p)) >= len(known)
    confidence, said = np.exp(log_p.max(axis=1)), doubt.probability(log_p)
    weights = np.where(
        is_other, doubt.share / len(others), (1 - doubt.share) / len(known)
    )
    made = Table(title=f"{what}; other groups {doubt.share:.1%}")
    for heading in HEADINGS:
        made.add_column(heading, justify="right")
    for low, high in (*pairwise(LEVELS), (0.0, 1.0)):
        inside = (low <= confidence) & ((confidence < high) | (high == 1))
        w = weights[inside] / weights[inside].sum()
        shares = (
            inside[~is_other].mean(), right[inside[~is_other]].mean(),
            inside[is_other].mean(), w @ is_other[inside], w @ said[inside],
        )  # fmt: skip
        made.add_row(f"{low:g} to {high:g}", *(f"{each:.1%}" for each in shares))
    loss = -weights @ np.log(np.where(is_other, said, 1 - said))
    Console(highlight=False).print(made, f"mean of -log p: {loss:.3f}")


if __name__ == "__main__":
    main()
