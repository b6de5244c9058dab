"""Plot the distributions of synthetic and of known crystals.

    python tools/compare_synthetic.py ../shared/data/structures.parquet \
        docs/figures/synthetic

compares up to 100 known and 100 synthetic crystals of each of the 45 groups.
"""

import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import gemmi
import matplotlib as mpl
import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure

from gromega._util.plotting import save_figure
from gromega.crystals.dataset import choose_dataset
from gromega.crystals.generate.recipe import SyntheticRecipe
from gromega.crystals.generate.synthetic import synthesize_one
from gromega.crystals.ingest.duplicates import fingerprint
from gromega.crystals.symmetry import find_symmetry
from gromega.crystals.table import crystals_of, read_table

PER_GROUP = 100
COLORS = {"known": "#777777", "synthetic": "#1f6fb4"}


def describe(crystal):
    """Return the properties of a crystal that are plotted."""
    symmetry = find_symmetry(crystal)
    primitive = symmetry.primitive
    distances = fingerprint(primitive)
    letters = symmetry.structure_type.split("_")[2:]
    orbits = sum(
        int("".join(filter(str.isdigit, part)) or 0) or 1
        for word in letters
        for part in _parts(word)
    )
    return {
        "atoms per primitive cell": primitive.numbers.size,
        "volume per atom (Å³)": primitive.volume / primitive.numbers.size,
        "orbits": orbits,
        "nearest neighbour, mean (Å)": distances[0],
        "12th neighbour, mean (Å)": distances[11],
        "elements": np.unique(primitive.numbers).tolist(),
    }


def _parts(word):
    """Split ``a2b`` into ``a`` and ``2b``."""
    part = ""
    for character in word:
        part += character
        if character.isalpha():
            yield part
            part = ""


def synthetic(job):
    """Describe one synthetic crystal."""
    return describe(synthesize_one(job[0], 0, job[1]))


def main(source, out):
    """Plot the distributions."""
    table = read_table(Path(source))
    table = table.filter(pa.array(choose_dataset(table)))
    groups = np.asarray(table["space_group"])
    recipe = SyntheticRecipe.from_yaml(Path("data/synthetic.yaml"))
    rng = np.random.default_rng(0)
    rows = [
        row
        for group in recipe.space_groups
        for row in rng.permutation(np.flatnonzero(groups == group))[:PER_GROUP].tolist()
    ]
    jobs = [(group, k) for group in recipe.space_groups for k in range(PER_GROUP)]
    with ProcessPoolExecutor() as pool:
        found = {
            "known": list(
                pool.map(describe, crystals_of(table.take(rows)), chunksize=50)
            ),
            "synthetic": list(pool.map(synthetic, jobs, chunksize=50)),
        }
    mpl.rcParams.update({"svg.hashsalt": "gromega", "font.size": 9})
    figure = Figure(figsize=(9, 5.6), layout="constrained")
    plots = figure.subplots(2, 3).ravel()
    for plot, name in zip(plots, list(found["known"][0])[:5], strict=False):
        values = {kind: [one[name] for one in some] for kind, some in found.items()}
        logarithmic = name in ("atoms per primitive cell", "orbits")
        top = np.quantile(values["known"], 0.99) * 1.2
        edges = np.linspace(0, top, 31)
        if logarithmic:
            edges = np.unique(np.round(np.geomspace(1, top, 16))) - 0.5
        for kind, some in values.items():
            share = np.ones(len(some)) * 100 / len(some)
            plot.hist(some, edges, weights=share, histtype="stepfilled", alpha=0.45,
                      color=COLORS[kind], label=f"{kind}, {len(some):,}")  # fmt: skip
        plot.set(xlabel=name, ylabel="% of crystals")
        if logarithmic:
            plot.set_xscale("log")
            ticks = [n for n in (1, 2, 5, 10, 20, 50, 100) if n < edges[-1]]
            plot.set_xticks(ticks, [str(n) for n in ticks])
            plot.minorticks_off()
    plots[0].legend(frameon=False)
    counts = {
        kind: Counter(z for one in some for z in one["elements"])
        for kind, some in found.items()
    }
    plot = plots[5]
    for z in sorted(counts["known"]):
        x, y = (100 * counts[k][z] / len(found[k]) for k in ("known", "synthetic"))
        if min(x, y) > 0.05:
            plot.plot(x, y, ".", color=COLORS["synthetic"])
            if max(x, y) > 9:
                plot.annotate(gemmi.Element(z).name, (x, y), fontsize=8)
    plot.plot([0.1, 60], [0.1, 60], color="#bbbbbb", linewidth=1, zorder=0)
    plot.set(xscale="log", yscale="log", xlabel="% of known crystals with an element",
             ylabel="% of synthetic ones")  # fmt: skip
    save_figure(figure, Path(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
