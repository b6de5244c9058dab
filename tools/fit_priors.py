"""Fit the distributions that synthetic crystals are drawn from to known crystals.

    python tools/fit_priors.py ../shared/data/structures.parquet \
        src/gromega/crystals/generate/priors.json

reads a table of crystals, and writes distributions but no crystals. It leaves out the
test and validation parts of the default split (random, seed 0, 45 groups), so that they
can test a network that was trained on synthetic crystals.
"""

import json
import sys
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import spglib
from scipy.optimize import nnls
from scipy.spatial import cKDTree

from gromega.crystals.dataset import choose_dataset
from gromega.crystals.symmetry import find_symmetry
from gromega.crystals.table import crystals_of, read_table
from gromega.lake.splits import draw_split

PER_GROUP = 600
LEVELS = np.linspace(0, 1, 21)


def training_part(table):
    """Return the observed crystals outside the default test and validation parts."""
    observed = np.asarray(table["observed"])
    strict, loose = (np.asarray(table[f"space_group{x}"]) for x in ("", "_loose"))
    keep = observed & (strict == loose)
    chosen = table.filter(pa.array(choose_dataset(table)))
    ids = np.array(chosen["id"].to_pylist())
    parts = draw_split(ids, np.asarray(chosen["space_group"]))
    test_crystals = set(ids[parts != "train"].tolist())
    keep &= [name not in test_crystals for name in table["id"].to_pylist()]
    rng = np.random.default_rng(0)
    rows = []
    for group in range(1, 231):
        members = np.flatnonzero(keep & (strict == group))
        rows += sorted(rng.permutation(members)[:PER_GROUP].tolist())
    return table.take(rows)


def shortest_distances(crystal):
    """Return the shortest distance of each pair of elements (Å), up to 6 Å."""
    reach = np.ceil(6.0 * np.linalg.norm(np.linalg.inv(crystal.lattice), axis=0))
    shifts = np.stack(
        np.meshgrid(*[np.arange(-n, n + 1) for n in reach], indexing="ij"), -1
    ).reshape(-1, 3)
    home = crystal.frac @ crystal.lattice
    images = (home[None] + (shifts @ crystal.lattice)[:, None]).reshape(-1, 3)
    numbers = np.tile(crystal.numbers, len(shifts))
    found = {}
    for z in np.unique(crystal.numbers):
        tree = cKDTree(images[numbers == z])
        for y in np.unique(crystal.numbers):
            if y > z:
                continue
            d, _ = tree.query(home[crystal.numbers == y], k=2)
            d = np.where(d[:, 0] < 1e-4, d[:, 1], d[:, 0]).min()
            if d < 6:
                found[int(y), int(z)] = float(d)
    return found


def describe(crystal):
    """Return the properties of a crystal that are counted."""
    symmetry = find_symmetry(crystal)
    primitive = symmetry.primitive
    _, kinds = np.unique(primitive.numbers, return_inverse=True)
    cell = (primitive.lattice, primitive.frac, kinds)
    data = spglib.get_symmetry_dataset(cell, symprec=0.01)
    _, first = np.unique(data.crystallographic_orbits, return_index=True)
    lengths = np.linalg.norm(data.std_lattice, axis=1)
    unit = data.std_lattice / lengths[:, None]
    angles = [
        float(np.degrees(np.arccos(unit[i] @ unit[j])))
        for i, j in ((1, 2), (0, 2), (0, 1))
    ]
    return {
        "group": symmetry.space_group,
        "letters": [data.wyckoffs[k] for k in first],
        "numbers": primitive.numbers.tolist(),
        "volume": primitive.volume,
        "shape": [*np.log(lengths[1:] / lengths[0]).tolist(), *angles],
        "distances": shortest_distances(primitive),
    }


def quantiles(values, digits=3):
    """Return values at 21 levels, from the smallest to the largest."""
    return np.round(np.quantile(values, LEVELS), digits).tolist()


def system(group):
    """Return the last space group of the crystal system of a group."""
    return next(end for end in (2, 15, 74, 142, 167, 194, 230) if group <= end)


def main(source, out):
    """Fit the distributions, and write them."""
    table = training_part(read_table(Path(source)))
    with ProcessPoolExecutor() as pool:
        found = list(pool.map(describe, crystals_of(table), chunksize=100))
    elements = sorted({z for one in found for z in one["numbers"]})
    column = {z: k for k, z in enumerate(elements)}
    counts = np.zeros((len(found), len(elements)))
    for row, one in zip(counts, found, strict=True):
        for z in one["numbers"]:
            row[column[z]] += 1
    volumes = np.array([one["volume"] for one in found])
    # The volumes v of the elements that minimise Σ (Σ n v / V - 1)² over all crystals.
    usual, _ = nnls(counts / volumes[:, None], np.ones(len(found)))
    usual = np.maximum(usual, 3.0)
    present = counts > 0
    together = (present.T.astype(int) @ present).astype(int)
    shares = counts / counts.sum(axis=1, keepdims=True) * present.sum(axis=1)[:, None]
    distances = defaultdict(list)
    for one in found:
        for pair, d in one["distances"].items():
            distances[pair].append(d)
    contacts = {
        pair: float(np.quantile(d, 0.25)) for pair, d in distances.items() if len(d) > 4
    }
    closest = [
        min(d / contacts[pair] for pair, d in one["distances"].items())
        for one in found
        if one["distances"] and contacts.keys() >= one["distances"].keys()
    ]
    groups, shapes = {}, defaultdict(list)
    for group in range(1, 231):
        members = [one for one in found if one["group"] == group]
        letters = Counter(x for one in members for x in one["letters"])
        groups[str(group)] = {
            "crystals": len(members),
            "atoms": quantiles([len(one["numbers"]) for one in members], 1)
            if members
            else [],
            "orbits": dict(sorted(letters.items())),
        }
        shapes[str(system(group))] += [one["shape"] for one in members]
    content = {
        "groups": groups,
        "shapes": {
            name: [quantiles(column) for column in np.array(rows).T]
            for name, rows in shapes.items()
        },
        "elements": elements,
        "crystals_of_element": together.diagonal().tolist(),
        "crystals_of_pair": [together[k, :k].tolist() for k in range(len(elements))],
        "share_of_element": [
            round(float(shares[present[:, k], k].mean()), 3)
            for k in range(len(elements))
        ],
        "volume_of_element": np.round(usual, 2).tolist(),
        "number_of_elements": [
            int(n) for n in np.bincount(present.sum(axis=1), minlength=9)[1:9]
        ],
        "contact_of_pair": [
            [
                round(contacts.get((elements[j], elements[k]), 0.0), 2)
                for j in range(k + 1)
            ]
            for k in range(len(elements))
        ],
        "closest": quantiles(closest),
        "roominess": quantiles(volumes / (counts @ usual)),
    }
    lines = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in content.items()]
    Path(out).write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(len(found), "crystals;", content["closest"], content["roominess"])
    print(content["number_of_elements"])


if __name__ == "__main__":
    main(*sys.argv[1:])
