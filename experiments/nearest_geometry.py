"""Accuracy of the nearest training crystal, if the positions of all atoms are known.

    python experiments/nearest_geometry.py RUN

RUN is a folder where the pipeline ran up to the stage split. For each test crystal, the
nearest training crystal with the same ratios of elements is found by the average
minimum distances at unit density, as in the classes of novelty. The table shows how
often it has the space group of the test crystal. A PDF shows neither these distances
nor the composition.
"""

import argparse
from pathlib import Path

import numpy as np

from gromega.crystals.table import crystals_of, read_table, rows_of
from gromega.evaluation.novelty import DISTANCES, amd_and_ratios, nearest_by_amd
from gromega.lake.splits import benchmark_groups, read_part, read_relatives


def main() -> None:
    """Print the accuracy on all test crystals, and on those of the benchmark."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    data = parser.parse_args().run / "data"
    crystals, split = data / "crystals.parquet", data / "split.parquet"
    table = read_table(crystals)
    parts = []
    for name in ("train", "test"):
        ids, labels = read_part(split, name)
        rows = rows_of(table, ids)
        types = rows["structure_type"].to_pylist()
        parts.append((*amd_and_ratios(crystals_of(rows), types), labels))
    relatives = read_relatives(crystals, split, read_part(split, "test")[0])
    for what, groups in (("all", None), ("benchmark", benchmark_groups(split))):
        kept = [
            np.ones(labels.size, bool) if groups is None else np.isin(labels, groups)
            for *_, labels in parts
        ]
        known, tested = (
            [np.array(each)[rows] for each in part]
            for part, rows in zip(parts, kept, strict=True)
        )
        distance, index = nearest_by_amd(*tested[:2], *known[:2])
        right = (index >= 0) & (known[2][index] == tested[2])
        has = relatives[kept[1]] > 0
        classes = {"all": has | ~has, "without a relative": ~has, "with one": has}
        for name, (low, high) in DISTANCES.items():
            classes[name] = (low <= distance) & (distance < high)
        classes["no training crystal of its ratios"] = np.isinf(distance)
        print(f"{what}: test crystals, right in %")
        for name, rows in classes.items():
            print(f"{name:34} {rows.sum():6,} {100 * right[rows].mean():5.1f}")


if __name__ == "__main__":
    main()
