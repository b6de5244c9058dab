"""Measure whether neighbours at a constant form factor f(Q*) help with f(Q).

    python experiments/factor_neighbours.py RUN models/spacegroup

makes the neighbours of a model from the training crystals of RUN/data in the groups of
the benchmark, at the reference, with f(0), with f(4 Å⁻¹), and with the mean of both. It
prints top-1 and top-6 in % on 2,000 validation crystals of these groups, drawn with a
fixed seed, with f(0) and with f(Q). Spread and weight of the neighbours are fitted to
these PDFs.
"""

import sys
from functools import partial
from pathlib import Path

import numpy as np

from gromega import Conditions, load_model
from gromega._util.parallel import open_pool
from gromega.crystals.table import crystals_of, read_table, rows_of
from gromega.defects import Defects
from gromega.lake.pdfs import read_pdfs
from gromega.lake.splits import read_benchmark
from gromega.model.build_neighbours import build_neighbours, fit_neighbours
from gromega.networks.logits import classes, ranks
from gromega.pdf.bins import DMAX
from gromega.pdf.network_grid import input_operator, input_readout, simulate_input
from gromega.pdf.simulate import clean_pdfs
from gromega.pdf.spectrum import pair_spectrum

REFERENCE = Conditions()
EXACT = Defects(form_factors="exact")
Q = 4.0


def top(log_p: np.ndarray, y: np.ndarray) -> str:
    """Return top-1 and top-6."""
    rank = ranks(log_p, y)
    return f"{100 * np.mean(rank < 1):.1f} / {100 * np.mean(rank < 6):.1f}"


def main(run: Path, model_path: Path) -> None:
    """Print the accuracies."""
    data, model = run / "data", load_model(model_path, compiled=True)
    table = read_table(data / "crystals.parquet")
    ids, labels = read_benchmark(data / "split.parquet", "validation")
    rows = np.sort(np.random.default_rng(0).permutation(ids.size)[:2000])
    ids, y = ids[rows], classes(model.space_groups, labels[rows])
    crystals = crystals_of(rows_of(table, ids))
    op = input_operator(REFERENCE, DMAX, EXACT)
    g = {
        "f(0)": read_pdfs(data / "reference.zarr", ids),
        "f(Q)": clean_pdfs(op, crystals, REFERENCE, DMAX, EXACT, input_readout()),
    }
    embedded = {name: model.engine.embed(each) for name, each in g.items()}
    log_p = {name: model.engine.head(each) for name, each in embedded.items()}
    print("no neighbours", *(top(each, y) for each in log_p.values()), sep="  ")
    trained, of_train = read_benchmark(data / "split.parquet", "train")
    known = crystals_of(rows_of(table, trained))
    with open_pool() as pool:
        spectra = np.stack(list(pool.map(partial(pair_spectrum, q=Q), known)))
    density = np.array([crystal.density for crystal in known])
    constant = simulate_input(spectra, density, trained.tolist(), REFERENCE, DMAX)
    at_zero, at_q = map(
        model.engine.embed, (read_pdfs(data / "reference.zarr", trained), constant)
    )
    names = [f"{crystal.id} {crystal.formula}" for crystal in known]
    both = [np.concatenate(list(x.values())) for x in (log_p, embedded)]
    formulas = [crystal.formula for crystal in crystals] * 2
    for name, directions in {
        "f(0)": [at_zero], "f(0) and f(Q*)": [at_zero, at_q], "f(Q*)": [at_q],
    }.items():  # fmt: skip
        made = build_neighbours(
            [directions], classes(model.space_groups, of_train), names,
            model.space_groups.size,
        )  # fmt: skip
        fitted = fit_neighbours(made, *both, np.tile(y, 2), formulas)
        found = (fitted.query(log_p[each], embedded[each], 0).log_p for each in g)
        print(name, *(top(each, y) for each in found), sep="  ", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:]))
