"""Measure the numbers behind the sentences of docs/claims.md.

    python experiments/claims.py MODEL RUN [--source TABLE]

MODEL is a folder of a released model, RUN a folder where the pipeline ran up to the
stage simulate with the split of its training, and TABLE the table of crystals that RUN
began with. The script prints

- the top-1 accuracy of the network alone on training crystals as they are, and on the
  same crystals with other elements at usual volumes;
- how many wrong predictions are a sub- or supergroup of the true group, how many would
  be if the predictions of wrong crystals were exchanged at random, and how many are the
  group that spglib finds at some tolerance up to 0.5 Å;
- the share of observed crystals whose space group differs at the two tolerances.
"""

import argparse
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gromega import load_model
from gromega.crystals.crystal import Crystal
from gromega.crystals.generate.templates import template
from gromega.crystals.generate.variants import Changes, vary
from gromega.crystals.space_groups import related
from gromega.crystals.symmetry import space_group
from gromega.crystals.table import crystals_of, read_table, rows_of
from gromega.lake.pdfs import read_pdfs
from gromega.lake.splits import read_part
from gromega.model.intervals import Share
from gromega.model.ranker import simulate_crystals
from gromega.networks.logits import classes

TOLERANCES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
N = 1000
OTHER = Changes(keep=0, scale=0, strain=0, displacement=0, uiso=0, other_radiation=0)


def main() -> None:
    """Print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--source", type=Path, help="the table with both tolerances")
    options = parser.parse_args()
    model, data = load_model(options.model), options.run / "data"
    if options.source:
        pseudo_symmetric(options.source, model.space_groups)
    table = read_table(data / "crystals.parquet")
    memory(model, data, table)
    errors(model, data, table)


def memory(model, data: Path, table) -> None:
    """Print the accuracy on training crystals, as they are and with other elements."""
    rng = np.random.default_rng(0)
    ids, labels = read_part(data / "split.parquet", "train")
    chosen = np.sort(rng.permutation(ids.size)[:N])
    y = classes(model.space_groups, labels[chosen])
    crystals = crystals_of(rows_of(table, ids[chosen]))
    changed = [vary(template(crystal), OTHER, rng) for crystal in crystals]
    for what, made in (("as they are", crystals), ("other elements", changed)):
        g = simulate_crystals(made, model.conditions)
        right = model.engine.predict(g).argmax(axis=1) == y
        print(f"network, {N} training crystals, {what}: {Share.of(right).text()}")


def errors(model, data: Path, table) -> None:
    """Print what the wrong predictions at the reference are."""
    ids, labels = read_part(data / "split.parquet", "test")
    log_p = model.log_probabilities(read_pdfs(data / "reference.zarr", ids))
    predicted = model.space_groups[log_p.argmax(axis=1)]
    wrong = np.flatnonzero(predicted != labels)
    print(f"{wrong.size} of {ids.size} wrong")

    def is_related(found: np.ndarray) -> np.ndarray:
        # Exchanged predictions may be right: these pairs do not count.
        pairs = zip(labels[wrong].tolist(), found.tolist(), strict=True)
        return np.array([related(*pair) for pair in pairs if pair[0] != pair[1]])

    print("sub- or supergroups:", Share.of(is_related(predicted[wrong])).text())
    rng = np.random.default_rng(0)
    shuffled = [is_related(rng.permutation(predicted[wrong])).mean() for _ in range(20)]
    print(f"the same, exchanged at random: {np.mean(shuffled):.3f}")
    crystals = crystals_of(rows_of(table, ids[wrong]))
    found = np.array(
        [
            any(group_at(crystal, each) == group for each in TOLERANCES)
            for crystal, group in zip(crystals, predicted[wrong], strict=True)
        ]
    )
    print("the group of spglib at a tolerance to 0.5 Å:", Share.of(found).text())


def group_at(crystal: Crystal, tolerance: float) -> int | None:
    """Return the space group at a tolerance in Å, or None if there is none."""
    try:
        return space_group(crystal, tolerance)
    except ValueError:
        return None


def pseudo_symmetric(source: Path, groups: np.ndarray) -> None:
    """Print the share of observed crystals whose group depends on the tolerance."""
    columns = ["space_group", "space_group_loose", "observed"]
    table = pq.read_table(source, columns=columns)
    table = table.filter(pc.field("observed"))
    strict = np.asarray(table["space_group"])
    other = strict != np.asarray(table["space_group_loose"])
    print("observed crystals of two groups:", Share.of(other).text())
    inside = np.isin(strict, groups)
    print("the same in the model's groups:", Share.of(other[inside]).text())


if __name__ == "__main__":
    main()
