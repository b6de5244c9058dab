"""Measure what each defect of real data costs a model, on test crystals.

    python experiments/defects.py RUN models/spacegroup 2000

prints top-1 and top-6 in %, of the network alone and of the model, at the reference
with each value of the defects in `gromega.sweeps.BEYOND`, on that many test crystals of
the benchmark in RUN/data, drawn with a fixed seed; then the same with constant f(Q*).
The misfit, of defects to the reference and of f(Q*) to f(Q), is the r.m.s. of the
difference of G(r) over that of G(r), its median over the crystals.
"""

import sys
from pathlib import Path

import numpy as np

from gromega import Conditions, Model, load_model
from gromega.crystals.table import crystals_of, read_table, rows_of
from gromega.defects import NO_DEFECTS, Defects
from gromega.lake.splits import read_benchmark
from gromega.networks.logits import classes, ranks
from gromega.pdf.bins import DMAX
from gromega.pdf.defects import add_defects, partners
from gromega.pdf.network_grid import input_operator, input_readout
from gromega.pdf.operator import apply_operator
from gromega.pdf.simulate import clean_pdfs
from gromega.pdf.spectrum import pair_spectrum
from gromega.sweeps import BEYOND, Sweep

REFERENCE = Conditions()


def pdfs(crystals, defects: Defects) -> np.ndarray:
    """Return G(r), (n, 209), at the reference with some defects."""
    op = input_operator(REFERENCE, DMAX, defects)
    g = clean_pdfs(op, crystals, REFERENCE, DMAX, defects, input_readout())
    ids = [crystal.id for crystal in crystals]
    return add_defects(op, g, ids, defects, g[partners(ids)])


def rms(g: np.ndarray) -> np.ndarray:
    """Return the r.m.s. of each row."""
    return np.sqrt(np.mean(g**2, axis=1))


def top(model: Model, g: np.ndarray, y: np.ndarray) -> str:
    """Return top-1 and top-6 in % of the network alone, and of the model."""
    found = (model.engine.predict(g), model.log_probabilities(g))
    tops = [[100 * np.mean(ranks(each, y) < k) for k in (1, 6)] for each in found]
    return "  ".join(f"{one:.1f} / {six:.1f}" for one, six in tops)


def main(run: Path, model_path: Path, n: int) -> None:
    """Print the accuracies and the misfits."""
    model = load_model(model_path)
    ids, labels = read_benchmark(run / "data" / "split.parquet", "test")
    rows = np.sort(np.random.default_rng(0).permutation(ids.size)[:n])
    y = classes(model.space_groups, labels[rows])
    table = read_table(run / "data" / "crystals.parquet")
    crystals = crystals_of(rows_of(table, ids[rows]))
    done = {NO_DEFECTS: pdfs(crystals, NO_DEFECTS)}
    print(f"{len(crystals)} test crystals at the reference")
    for axis in BEYOND.values():
        for value, defects in zip(axis.values, Sweep((axis,)).defects(), strict=True):
            if defects == NO_DEFECTS and axis.name != "second_phase":
                continue
            g = done.setdefault(defects, pdfs(crystals, defects))
            away = np.median(rms(g - done[NO_DEFECTS]) / rms(done[NO_DEFECTS]))
            print(
                f"{axis.name:15} {value!s:>8}  {top(model, g, y)}  misfit {away:.3f}",
                flush=True,
            )
    exact = done[Defects(form_factors="exact")]
    op = input_operator(REFERENCE, DMAX)
    density = [crystal.density for crystal in crystals]
    for q in range(0, 14, 2):
        spectra = np.stack([pair_spectrum(c, q=float(q)) for c in crystals])
        g = apply_operator(op, spectra, density)
        away = np.median(rms(g - exact) / rms(exact))
        print(f"f at {q:2} Å⁻¹        {top(model, g, y)}  misfit to f(Q) {away:.3f}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
