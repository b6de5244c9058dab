"""Measure how much a known composition improves predictions.

    python experiments/composition.py RUN [--model MODEL]

Rank the 45 most populated space groups for their test crystals of RUN, a folder in
which the pipeline was run, at the reference: without the composition, with it, and with
that of another of these crystals, drawn at random. The scores are those of all
crystals, by the number of relatives in the training part, and by whether their formula
is in it. The scores at other conditions are in the metrics of the run.
"""

import argparse
from collections import Counter
from pathlib import Path

import numpy as np

from gromega import load_model
from gromega.crystals.table import read_table
from gromega.evaluation.analysis import accuracy_by_category, accuracy_by_number
from gromega.lake.pdfs import read_pdfs
from gromega.lake.splits import benchmark_groups, read_part
from gromega.networks.logits import classes, ranks


def main() -> None:
    """Print the scores by composition and relatives."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument(
        "--model", type=Path, help="The model; that of RUN if left out."
    )
    options = parser.parse_args()
    data = options.run / "data"
    model = load_model(options.model or options.run / "models/current", compiled=True)
    benchmark = benchmark_groups(data / "split.parquet")
    ids, labels = read_part(data / "split.parquet", "test")
    ids, labels = (each[np.isin(labels, benchmark)] for each in (ids, labels))
    table = read_table(data / "crystals.parquet", ["id", "formula", "structure_type"])
    known = {row["id"]: row for row in table.to_pylist()}
    trained = [known[name] for name in read_part(data / "split.parquet", "train")[0]]
    tested = [known[name] for name in ids]
    counts = Counter(row["structure_type"] for row in trained)
    siblings = np.array([counts[row["structure_type"]] for row in tested])
    training_formulas = {row["formula"] for row in trained}
    new = np.array([int(row["formula"] not in training_formulas) for row in tested])
    formulas = [row["formula"] for row in tested]
    y, columns = classes(benchmark, labels), classes(model.space_groups, benchmark)
    shuffled = [
        formulas[k] for k in np.random.default_rng(0).permutation(len(formulas))
    ]
    g = read_pdfs(data / "reference.zarr", ids)
    predicted = {}
    predicted["without"], predicted["with composition"] = (
        model.without_and_with_composition(g, formulas)
    )
    predicted["with that of another crystal"] = model.log_probabilities(g, shuffled)
    for name, log_p in predicted.items():
        rank = ranks(log_p[:, columns], y)
        print(name)
        for part in (
            *accuracy_by_category(rank, np.zeros_like(rank), ["all"]),
            *accuracy_by_number(rank, siblings, (0, 1, 3, 10, 100), "relatives"),
            *accuracy_by_category(
                rank, new, ["a formula of the training part", "another"]
            ),
        ):
            print(
                f"  {part.name:32} {part.top1.value:6.1%} {part.top6.value:6.1%}"
                f"  of {part.top1.n:,}"
            )


if __name__ == "__main__":
    main()
