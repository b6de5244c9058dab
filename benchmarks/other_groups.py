"""What a model answers where the true space group is none of those that it knows.

    python benchmarks/other_groups.py RUN --model models/spacegroup

RUN is a folder where the pipeline ran, whose params.yaml names the source of its
crystals. Of that, crystals of other groups are drawn at random, and simulated at the
reference as those of the test part are. Printed is, by the confidence of the answer,
which share of either is answered so, and how likely the group is another one, if they
are as many as in the source.
"""

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from gromega.conditions import REFERENCE
from gromega.crystals.table import crystals_of, read_table
from gromega.lake import read_pdfs
from gromega.models.model import load_model
from gromega.models.outputs import ranks
from gromega.params import read_params
from gromega.pdf.bins import DMAX
from gromega.pdf.network_input import input_operator
from gromega.pdf.operator import apply_operator
from gromega.pdf.spectrum import pair_spectra
from gromega.splits import read_part

LEVELS = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 1.0)


def main(run: Path, path: Path, count: int) -> None:
    model = load_model(path, compiled=True)
    params = read_params(run / "params.yaml")
    table = read_table(run / params.crystals.source)
    groups = np.asarray(table["space_group"])
    counted = np.ones(len(groups), bool)
    if params.crystals.observed:
        counted = np.asarray(table["observed"])
    known = np.isin(groups, model.space_groups)
    others = np.flatnonzero(counted & ~known)
    share = others.size / np.count_nonzero(counted)
    drawn = np.random.default_rng(0).permutation(others)[:count]
    crystals = crystals_of(table.take(pa.array(drawn)))
    density = [crystal.density for crystal in crystals]
    op = input_operator(REFERENCE, DMAX)
    g = apply_operator(op, pair_spectra(crystals, REFERENCE.radiation, DMAX), density)
    unknown = np.exp(model.log_probabilities(g.astype(np.float32))).max(axis=1)
    ids, labels = read_part(run / "data" / "split.parquet", "test")
    log_p = model.log_probabilities(read_pdfs(run / "data" / "reference.zarr", ids))
    tested = np.exp(log_p.max(axis=1))
    right = ranks(log_p, np.searchsorted(model.space_groups, labels)) < 1
    print(
        f"{drawn.size:,} of {others.size:,} crystals of other groups, {share:.1%} of "
        f"the source, and {ids.size:,} of the test part"
    )
    made = Table()
    for heading in ("confidence", "known", "right", "other", "another group, then"):
        made.add_column(heading, justify="right")
    for low, high in pairwise(LEVELS):
        inside, outside = (
            (low <= p) & ((p < high) | (high == 1)) for p in (tested, unknown)
        )
        a, b = (1 - share) * inside.mean(), share * outside.mean()
        shares = inside.mean(), right[inside].mean(), outside.mean(), b / (a + b)
        made.add_row(f"{low:g} to {high:g}", *(f"{each:.1%}" for each in shares))
    Console(highlight=False).print(made)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("--model", type=Path, default=Path("models/spacegroup"))
    parser.add_argument("--count", type=int, default=3000)
    options = parser.parse_args()
    main(options.run, options.model, options.count)
