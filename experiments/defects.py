"""Measure what each defect of real data costs a model, on test crystals.

    python experiments/defects.py RUN models/spacegroup 2000

prints top-1 and top-6 in % at the reference with each value of the defects in
`gromega.sweeps.BEYOND`, on that many crystals of the test part of RUN/data, drawn with
a fixed seed, and the misfit of a constant f(Q*) to f(Q): the r.m.s. of the difference
of G(r) over that of G(r), its median over the crystals.
"""

import sys
from pathlib import Path

import numpy as np

from gromega import Conditions, load_model
from gromega.crystals.table import crystals_of, read_table, rows_of
from gromega.defects import NO_DEFECTS, Defects
from gromega.lake.splits import read_part
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


def main(run: Path, model_path: Path, n: int) -> None:
    """Print the accuracies and the misfits."""
    model = load_model(model_path)
    ids, labels = read_part(run / "data" / "split.parquet", "test")
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
            rank = ranks(model.log_probabilities(g), y)
            top = [100 * np.mean(rank < k) for k in (1, 6)]
            away = np.median(rms(g - done[NO_DEFECTS]) / rms(done[NO_DEFECTS]))
            print(
                f"{axis.name:15} {value!s:>8}  {top[0]:.1f} / {top[1]:.1f}  "
                f"misfit {away:.3f}",
                flush=True,
            )
    exact = done[Defects(form_factors="exact")]
    op = input_operator(REFERENCE, DMAX)
    density = [crystal.density for crystal in crystals]
    for q in range(0, 14, 2):
        spectra = np.stack([pair_spectrum(c, q=float(q)) for c in crystals])
        g = apply_operator(op, spectra, density)
        top1 = 100 * np.mean(ranks(model.log_probabilities(g), y) < 1)
        away = np.median(rms(g - exact) / rms(exact))
        print(f"f at {q:2} Å⁻¹       top-1 {top1:.1f}  misfit to f(Q) {away:.3f}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
