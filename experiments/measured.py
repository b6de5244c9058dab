"""Rank the space groups of measured PDFs, each beside its simulated twin.

    python experiments/measured.py models/spacegroup FOLDER

prints the rank of the true space group of every measured PDF in the folder
data/measured that is known with high certainty and is one of the model's groups. The
twin is the same crystal, from data/structures.parquet, simulated at the conditions of
the file: if both are wrong, the model is at fault; if the measured one alone is, the
simulation is. With ``--library models/library.parquet``, the known crystals are
compared with each file too, and the rank of the first of the true group is printed.
The rank with the composition is beside that without. These files are used for neither
training nor choices.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from gromega import load_library, load_model, read_pdf
from gromega.crystals.table import crystals_of, read_table
from gromega.measured.resample import to_input

# The number of matches.
MATCHES = 6
# The formula of a similar material where its own is not in the table.
STAND_INS = {
    "La0.925Ca0.075MnO3": "LaMnO3",
    "Ba0.7K0.3Zn1.7Mn0.3As2": "BaZn2As2",
    "Zr(HPO4)2.H2O": "",
}


def reduced(formula: str) -> dict[str, float]:
    """Return the share of each element of a formula."""
    import periodictable

    atoms = periodictable.formula(formula).atoms
    total = sum(atoms.values())
    return {str(atom): count / total for atom, count in atoms.items()}


def twin_of(table, formula: str, group: int):
    """Return the observed crystal of a formula and a space group, or None."""
    formula = STAND_INS.get(formula, formula)
    if not formula:
        return None
    wanted = reduced(formula)
    rows = table.filter(pc.equal(table["space_group"], group))
    elements = sorted(wanted)
    for row, text in enumerate(rows["formula"].to_pylist()):
        try:
            found = reduced(text)
        except ValueError:
            continue
        if sorted(found) == elements and all(
            abs(found[name] - wanted[name]) < 1e-3 for name in elements
        ):
            return crystals_of(rows.slice(row, 1))[0]
    return None


def rank_of(model, log_p: np.ndarray, group: int) -> int:
    """Return the rank, from 1, of a group by its log-probability."""
    order = np.argsort(-log_p, kind="stable")
    return 1 + model.space_groups[order].tolist().index(group)


def main() -> None:
    """Print the ranks of all files, and their summary."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--library", type=Path, help="known crystals to compare")
    options = parser.parse_args()
    model = load_model(options.model)
    library = load_library(options.library) if options.library else None
    folder = options.folder / "data" / "measured"
    table = read_table(options.folder / "data" / "structures.parquet")
    table = table.filter(pc.field("observed"))
    with (folder / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    results: dict[str, list[tuple[str, int, int | None, int | None, int | None]]] = {}
    head = f"{'file':38} {'group':>5} {'measured':>8} {'comp':>5} {'twin':>5}"
    print(f"{head}  first three")
    for row in rows:
        group = int(row["space_group_number"])
        if row["certainty"] != "high" or group not in model.space_groups:
            continue
        pdf = read_pdf(folder / row["file"])
        known = {
            name: float(row[name])
            for name in ("qmin", "qmax", "qdamp", "qbroad")
            if row[name] and name not in pdf.stated and float(row[name]) < 40
        }
        log_p = model.log_probabilities(to_input(pdf)[None])[0]
        order = np.argsort(-log_p, kind="stable")
        measured = rank_of(model, log_p, group)
        given_rank = None
        if model.uses_compositions:
            g, formula = to_input(pdf)[None], row["formula"]
            log_p_given = model.log_probabilities(g, [formula])[0]
            given_rank = rank_of(model, log_p_given, group)
        simulated = None
        crystal = twin_of(table, row["formula"], group)
        if crystal is not None:
            omega = pdf.conditions().at(**known)
            ranked = model.rank([crystal], omega)[0].tolist()
            simulated = 1 + ranked.index(group)
        best = " ".join(
            f"{model.space_groups[k]} ({np.exp(log_p[k]):.0%})" for k in order[:3]
        )
        shown = f"{measured:8} {given_rank or '-':>5} {simulated or '-':>5}"
        print(f"{row['file']:38} {group:5} {shown}  {best}")
        matched = None
        if library:
            found = library.match(pdf, MATCHES).best
            groups = [match.number for match in found]
            matched = 1 + groups.index(group) if group in groups else MATCHES + 1
            first = found[0]
            print(f"{'':38} matched {matched:8}        {first.formula} ", end="")
            print(f"({first.number}), Rw {first.rw:.2f}, cell {first.strain:+.1%}")
        key = f"{row['material']} {group}"
        entry = (row["primary"], measured, simulated, matched, given_rank)
        results.setdefault(key, []).append(entry)
    firsts = [
        sorted(found, key=lambda f: f[0] != "yes")[0] for found in results.values()
    ]
    everything = [entry for found in results.values() for entry in found]
    for what, entries in (("materials", firsts), ("files", everything)):
        for which, at in (("measured", 1), ("comp", 4), ("twins", 2), ("matched", 3)):
            ranks = [entry[at] for entry in entries if entry[at] is not None]
            if not ranks:
                continue
            tops = [sum(p <= k for p in ranks) for k in (1, 6)]
            print(
                f"{which:8} {what:9} top-1 {tops[0]} of {len(ranks)}, top-6 {tops[1]} "
                f"of {len(ranks)}"
            )


if __name__ == "__main__":
    main()
