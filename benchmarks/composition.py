"""The accuracy with the composition.

    python benchmarks/composition.py RUN [--model MODEL]

ranks the space groups of the test crystals of RUN, a folder where the pipeline was run,
at the reference: without the composition, with it, and with that of another test
crystal, drawn at random; for all crystals, by the number of relatives in the training
part, and by whether the formula is in the training part. The accuracies at other
conditions are in the metrics of the run.
"""

import argparse
from collections import Counter
from pathlib import Path

import numpy as np

from gromega import load_model
from gromega.crystals.table import read_table
from gromega.evaluation.analysis import by_group, by_number
from gromega.lake.splits import read_part
from gromega.lake.store import read_pdfs
from gromega.networks.logits import classes, ranks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--model", type=Path, help="RUN's own if left out")
    options = parser.parse_args()
    data = options.run / "data"
    model = load_model(options.model or options.run / "models/current", compiled=True)
    ids, labels = read_part(data / "split.parquet", "test")
    table = read_table(data / "crystals.parquet", ["id", "formula", "structure_type"])
    known = {row["id"]: row for row in table.to_pylist()}
    trained = [known[name] for name in read_part(data / "split.parquet", "train")[0]]
    tested = [known[name] for name in ids]
    counts = Counter(row["structure_type"] for row in trained)
    siblings = np.array([counts[row["structure_type"]] for row in tested])
    trained_formulas = {row["formula"] for row in trained}
    new = np.array([int(row["formula"] not in trained_formulas) for row in tested])
    formulas = [row["formula"] for row in tested]
    y = classes(model.space_groups, labels)
    others = [formulas[k] for k in np.random.default_rng(0).permutation(len(formulas))]
    g = read_pdfs(data / "reference.zarr", ids)
    without, given = model.without_and_with_composition(g, formulas)
    results = {
        "without the composition": without,
        "with the composition": given,
        "with that of another crystal": model.log_probabilities(g, others),
    }
    for name, log_p in results.items():
        rank = ranks(log_p, y)
        print(name)
        for part in (
            *by_group(rank, np.zeros_like(rank), ["all"]),
            *by_number(rank, siblings, (0, 1, 3, 10, 100), "relatives"),
            *by_group(rank, new, ["a formula of the training part", "another"]),
        ):
            print(
                f"  {part.name:32} {part.top1.value:6.1%} {part.top6.value:6.1%}"
                f"  of {part.top1.n:,}"
            )


if __name__ == "__main__":
    main()
