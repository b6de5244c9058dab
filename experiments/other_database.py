"""Accuracy on the crystals of another database than that of the training.

    gromega ingest FILES --out crystals.parquet
    python experiments/other_database.py MODEL RUN crystals.parquet

RUN is a folder where the pipeline ran up to the stage split with the split of the
model's training. Crystals that the training knows are not left out; the table shows how
many have a structure type of its crystals.
"""

import argparse
from pathlib import Path

import numpy as np

from gromega import load_model
from gromega.crystals.space_groups import class_of
from gromega.crystals.table import crystals_of, read_table, rows_of
from gromega.lake.splits import benchmark_groups, read_part
from gromega.model.ranker import simulate_crystals
from gromega.networks.logits import ranks
from gromega.pdf.scattering import is_visible


def main() -> None:
    """Print the accuracies at the reference."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("table", type=Path)
    options = parser.parse_args()
    model, data = load_model(options.model), options.run / "data"
    table = read_table(options.table)
    crystals, groups = crystals_of(table), class_of(np.asarray(table["space_group"]))
    types = table["structure_type"].to_pylist()
    ids, _ = read_part(data / "split.parquet", "train")
    trained = rows_of(read_table(data / "crystals.parquet"), ids)
    of_training = {*trained["structure_type"].to_pylist()}
    rows = [
        i for i, crystal in enumerate(crystals)
        if groups[i] in model.space_groups and is_visible(crystal, "xray")
    ]  # fmt: skip
    crystals, groups = [crystals[i] for i in rows], groups[rows]
    known = np.array([types[i] in of_training for i in rows])
    benchmark = benchmark_groups(data / "split.parquet")
    inside = np.isin(groups, benchmark)
    g = simulate_crystals(crystals, model.conditions)
    formulas = [crystal.formula for crystal in crystals]
    both = model.without_and_with_composition(g, formulas)
    print(f"{'crystals':34} {'n':>6}  top-1 / top-6 in %, with the composition")
    for among, chosen in (("all groups", model.space_groups), ("benchmark", benchmark)):
        columns = np.searchsorted(model.space_groups, chosen)
        classes = {"all": inside | ~inside, "known type": known, "new type": ~known}
        if among == "benchmark":
            classes = {name: each & inside for name, each in classes.items()}
        for name, kept in classes.items():
            y = np.searchsorted(chosen, groups[kept])
            scores = []
            for log_p in both:
                rank = ranks(log_p[np.ix_(kept, columns)], y)
                shares = (100 * np.mean(rank < k) for k in (1, 6))
                scores.append(" / ".join(f"{share:.1f}" for share in shares))
            print(f"{among + ', ' + name:34} {kept.sum():6,}  {', '.join(scores)}")


if __name__ == "__main__":
    main()
