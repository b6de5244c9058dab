"""Make and score a benchmark that repeats its crystals as the ICSD does.

    python experiments/icsd_like.py make crystals.parquet icsd.parquet

writes a table in which each crystal is repeated as one to many entries: 98,830 for
42,193 crystals, the number of entries of the ICSD in the 45 space groups of the paper.
The number of entries of a crystal is geometric, of mean 2.34, with a fixed seed. They
differ as determinations do: by 0.5 % in the cell and 0.02 Å in the free coordinates.
The pipeline splits the table by entry, as the paper did:

    dvc exp run -S crystals.source=icsd.parquet -S train.recipe=paper

    python experiments/icsd_like.py score RUN models/spacegroup 1000

scores a model that was trained on the crystals of RUN, at the reference, among the
space groups of RUN: on new entries of that many of its training crystals, on those of
its test crystals, and on the mixture of both that a split by entry would give.
"""

import sys
from pathlib import Path

import numpy as np

from gromega import Conditions, load_model
from gromega.crystals.crystal import Crystal
from gromega.crystals.generate.templates import template
from gromega.crystals.generate.variants import Changes, vary
from gromega.crystals.table import (
    crystals_of,
    new_table,
    read_table,
    rows_of,
    to_table,
)
from gromega.lake.splits import read_part
from gromega.networks.logits import among, classes, ranks
from gromega.pdf.bins import DMAX
from gromega.pdf.network_grid import simulate_input
from gromega.pdf.spectrum import make_spectra

MULTIPLICITY = 98830 / 42193
# The share of the entries in the training part: a fifth is the test part, and a tenth
# of the others the validation part.
TRAINED = 0.8 * 0.9
# A size of 0.4 % and a strain of 0.5 % before symmetry are 0.5 % in a cubic cell. The
# displacement is the largest standard deviation: it is 0.02 Å in the mean.
SCATTER = Changes(
    keep=1.0, orbits=0.0, scale=0.004, strain=0.005, displacement=0.04, uiso=0.0
)
ROWS = 1000


def entry(crystal: Crystal, number: int) -> Crystal:
    """Return an entry of a crystal; the first one, number 0, is the crystal itself."""
    if number == 0:
        return crystal
    generator = np.random.default_rng([number, *crystal.id.encode()])
    made = vary(template(crystal), SCATTER, generator)
    return Crystal(
        f"{crystal.id}#{number}", made.lattice, made.numbers, made.frac, made.occupancy
    )


def share_with_a_twin() -> float:
    """Return the share of test entries whose crystal has an entry in training.

    With m entries of the crystal, it has none with the probability
    (1 - TRAINED)^(m - 1).
    """
    m = np.arange(1, 200)
    entries = m * (1 - 1 / MULTIPLICITY) ** (m - 1)
    return float(1 - np.average((1 - TRAINED) ** (m - 1), weights=entries))


def make(source: Path, out: Path) -> None:
    """Write the table of entries."""
    table = read_table(source)
    counts = np.random.default_rng(0).geometric(1 / MULTIPLICITY, table.num_rows)
    with new_table(out) as write:
        for start in range(0, table.num_rows, ROWS):
            rows = table.slice(start, ROWS)
            each = counts[start : start + ROWS]
            entries = [
                entry(crystal, number)
                for crystal, count in zip(crystals_of(rows), each, strict=True)
                for number in range(count)
            ]

            def repeated(name: str, rows=rows, each=each) -> list:
                return np.repeat(np.array(rows[name].to_pylist()), each).tolist()

            write(
                to_table(
                    entries,
                    repeated("space_group"),
                    repeated("space_group_loose"),
                    repeated("structure_type"),
                    "entries of " + source.name,
                )
            )
    print(f"{table.num_rows:,} crystals, {counts.sum():,} entries; by multiplicity:")
    print({m: int(n) for m, n in enumerate(np.bincount(counts)) if n})


def score(run: Path, model_path: Path, n: int) -> None:
    """Print the accuracies on entries of training and of test crystals."""
    model = load_model(model_path)
    table = read_table(run / "data" / "crystals.parquet")
    found = {}
    for part in ("train", "test"):
        ids, labels = read_part(run / "data" / "split.parquet", part)
        rows = np.sort(np.random.default_rng(1).permutation(ids.size)[:n])
        known = crystals_of(rows_of(table, ids[rows]))
        crystals = [entry(crystal, 1) for crystal in known]
        density = np.array([crystal.density for crystal in crystals])
        names = [crystal.id for crystal in crystals]
        g = simulate_input(make_spectra(crystals), density, names, Conditions(), DMAX)
        groups = np.unique(labels)
        log_p = model.log_probabilities(g)
        log_p = among(log_p, classes(model.space_groups, groups))
        rank = ranks(log_p, classes(groups, labels[rows]))
        found[part] = np.array([100 * np.mean(rank < k) for k in (1, 6)])
        print(
            f"entries of {part} crystals: {found[part][0]:.1f} / {found[part][1]:.1f}"
        )
    twins = share_with_a_twin()
    mixed = twins * found["train"] + (1 - twins) * found["test"]
    print(f"{100 * twins:.1f} % of test entries with a twin in training:", end=" ")
    print(f"{mixed[0]:.1f} / {mixed[1]:.1f}")


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "make":
        make(Path(sys.argv[2]), Path(sys.argv[3]))
    elif len(sys.argv) == 5 and sys.argv[1] == "score":
        score(Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
    else:
        sys.exit(__doc__)
