"""Measure which PDFs a model calls unlike those of all crystals.

    python experiments/unlike.py RUN models/spacegroup FOLDER

prints the share of flagged PDFs in %: of waves, glasses, noise and mixtures of two test
crystals, drawn with other seeds than those that the score was fitted to; of the test
crystals of RUN/data with and without a relative in training; of crystals of C, H and
other non-metals that are not training crystals; and of the measured PDFs in the folder
data/measured, molecular ones and others. Simulated PDFs are at the reference.
"""

import csv
import sys
from pathlib import Path

import numpy as np

from gromega import Conditions, load_model, read_pdf
from gromega.crystals.table import crystals_of, read_table, rows_of
from gromega.lake.pdfs import read_pdfs
from gromega.lake.splits import read_part, read_relatives
from gromega.model.fit_unlike import glasses, waves
from gromega.pdf.network_grid import INPUT_R

SEED, N, N_MIXTURES = 1, 300, 400
# Atomic numbers of non-metals.
NON_METALS = {1, 2, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 34, 35, 36, 53, 54}


def main(run: Path, model_path: Path, folder: Path) -> None:
    """Print the shares."""
    data, model = run / "data", load_model(model_path)
    limit = model.reliability_test.unlike_limit(Conditions(), False)

    def show(name: str, g: np.ndarray) -> None:
        scores = model.query(g.astype(np.float32), [None])[0].unlike
        print(f"{name}: {100 * np.mean(scores > limit):.1f} of {len(g)}", flush=True)

    random = np.random.default_rng(SEED)
    show("waves", waves(random, N))
    show("glasses", glasses(random, N))
    show("noise", random.standard_normal((N, INPUT_R.size)))
    ids, _ = read_part(data / "split.parquet", "test")
    g = read_pdfs(data / "reference.zarr", ids)
    unit = g / np.maximum(g.std(axis=1, keepdims=True), 1e-9)
    one, other = random.integers(0, len(g), (2, N_MIXTURES))
    show("mixtures in equal parts", unit[one] + unit[other])
    is_new = read_relatives(data / "crystals.parquet", data / "split.parquet", ids) == 0
    show("test crystals with a relative", g[~is_new])
    show("test crystals without", g[is_new])
    both = [
        read_part(data / "split.parquet", part)[0] for part in ("validation", "test")
    ]
    chosen = [
        crystal.id
        for crystal in crystals_of(
            rows_of(read_table(data / "crystals.parquet"), np.concatenate(both))
        )
        if {1, 6} <= {*crystal.numbers.tolist()} <= NON_METALS
    ]
    show("crystals of C, H and non-metals", read_pdfs(data / "reference.zarr", chosen))
    measured = folder / "data" / "measured"
    flagged: dict[bool, list[bool]] = {True: [], False: []}
    with (measured / "manifest.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            molecular = row["kind"] == "molecular" or row["formula"].startswith("C60")
            try:
                found = model.predict(read_pdf(measured / row["file"]))
            except ValueError as error:
                print(f"{row['file']}: {error}")
                continue
            assert found.familiarity is not None
            flagged[molecular].append(found.familiarity.unlike)
    for molecular, each in flagged.items():
        kind = "molecular crystals" if molecular else "other measured PDFs"
        print(f"{kind}: {sum(each)} of {len(each)}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:]))
