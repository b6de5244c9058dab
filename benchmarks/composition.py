"""What a known composition is worth.

    python benchmarks/composition.py RUN [--model MODEL]

ranks the space groups of the test crystals of RUN, a folder where the pipeline was run,
at some conditions: by the model alone, and told their compositions; at the reference
also by the crystals of their structure type in the training part, without those whose
formula is in the training part, and told the composition of another test crystal, drawn
at random.
"""

import argparse
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np

from gromega import load_model
from gromega.conditions import REFERENCE
from gromega.crystals.table import crystals_of, read_table, rows_of
from gromega.evaluation.accuracy import classes
from gromega.lake import by_radiation
from gromega.models.outputs import ranks
from gromega.pdf.bins import DMAX
from gromega.pdf.network_input import input_operator
from gromega.pdf.operator import apply_operator
from gromega.splits import read_part

CONDITIONS = (
    {}, {"rmax": 10.0}, {"rmax": 14.0}, {"rmax": 20.0}, {"qmax": 12.0}, {"qmax": 30.0},
    {"qdamp": 0.0}, {"qdamp": 0.15}, {"uiso": 0.005}, {"uiso": 0.01},
    {"diameter": 10.0}, {"radiation": "neutron"},
)  # fmt: skip
SIBLINGS = (0, 1, 3, 10, 100, np.inf)


def text(rank) -> str:
    return f"{np.mean(rank < 1):6.1%} {np.mean(rank < 6):6.1%}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--reference", action="store_true", help="no other conditions")
    parser.add_argument("--model", type=Path, help="RUN's own if left out")
    options = parser.parse_args()
    data = options.run / "data"
    model = load_model(options.model or options.run / "models/current", compiled=True)
    ids, labels = read_part(data / "split.parquet", "test")
    table = read_table(data / "crystals.parquet")
    trained, _ = read_part(data / "split.parquet", "train")
    types, named = (
        dict(zip(table["id"].to_pylist(), table[column].to_pylist(), strict=True))
        for column in ("structure_type", "formula")
    )
    counts = Counter(types[name] for name in trained)
    siblings = np.array([counts[types[name]] for name in ids])
    seen_formulas = {named[name] for name in trained}
    new = np.array([named[name] not in seen_formulas for name in ids])
    tested = rows_of(table, ids)
    formulas, y = tested["formula"].to_pylist(), classes(model.space_groups, labels)
    density, spectra = by_radiation(crystals_of(tested))
    others = [formulas[k] for k in np.random.default_rng(0).permutation(len(formulas))]
    print(f"{'top-1, top-6':24} {'alone':13}  told the composition")
    for changed in CONDITIONS[:1] if options.reference else CONDITIONS:
        omega = REFERENCE.at(**changed)
        seen = np.flatnonzero(spectra[omega.radiation].any(axis=1))
        op = input_operator(omega, DMAX)
        g = apply_operator(op, spectra[omega.radiation][seen], density[seen])
        told = [formulas[k] for k in seen]
        alone, better = (
            ranks(model.log_probabilities(g, said), y[seen]) for said in (None, told)
        )
        name = " ".join(f"{key} {value}" for key, value in changed.items())
        print(
            f"{name or 'reference':24} {text(alone)}  {text(better)}  of {seen.size:,}"
        )
        if changed:
            continue
        for low, high in pairwise(SIBLINGS):
            some = (low <= siblings) & (siblings < high)
            name = f"{low} to {high - 1:g} siblings"
            n = int(some.sum())
            print(f"  {name:22} {text(alone[some])}  {text(better[some])}  of {n:,}")
        n = int(new.sum())
        print(
            f"  {'a new formula':22} {text(alone[new])}  {text(better[new])}  of {n:,}"
        )
        wrong = ranks(model.log_probabilities(g, others), y)
        print(f"  {'that of another':22} {'':13}  {text(wrong)}")


if __name__ == "__main__":
    main()
