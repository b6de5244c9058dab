"""The section on all space groups, of a model of more than the benchmark."""

import numpy as np
from numpy.typing import NDArray

from gromega.evaluation import analysis
from gromega.evaluation.report.accuracy import accuracy_cells
from gromega.evaluation.report.content import Block, Section, Table
from gromega.evaluation.report.facts import CrystalFacts
from gromega.lake.predictions import StoredPredictions
from gromega.networks.logits import classes, ranks

_N_TRAIN = (0, 3, 10, 30, 100, 300, 1000)


def all_groups_section(
    facts: CrystalFacts, predictions: StoredPredictions, benchmark: NDArray[np.int64]
) -> Section:
    """Return the section on the predictions among all groups, at the reference.

    They are for all test crystals; `benchmark` are its space groups, (k,).
    """
    y = classes(predictions.space_groups, facts.all_groups)
    inside = np.isin(facts.all_groups, benchmark)
    n_groups = predictions.space_groups.size
    about = f"{y.size:,} test crystals, among {n_groups} groups"
    text = (
        f"The model distinguishes {n_groups} classes of space groups; groups that are "
        "mirror images of each other are one. The rest of this report is about the "
        f"benchmark, the {benchmark.size} most populated groups: about crystals of "
        "these groups, and the probabilities of these alone. This section is about "
        "all test crystals and all groups."
    )
    blocks: list[Block] = [text]
    methods = {"": predictions.log_p[0]}
    if predictions.log_p_with_composition is not None:
        methods[", with the composition"] = predictions.log_p_with_composition[0]
    for name, log_p in methods.items():
        rank = ranks(log_p, y)
        subsets = {
            "all": np.ones(y.size, bool),
            f"in the {benchmark.size} groups of the benchmark": inside,
            "in other groups": ~inside,
        }
        rows = [
            [words, *accuracy_cells(rank[chosen]), f"{np.count_nonzero(chosen):,}"]
            for words, chosen in subsets.items()
        ]
        rows += [
            [found.name, found.top1.cell(), found.top6.cell(), f"{found.top1.n:,}"]
            for found in analysis.accuracy_by_number(
                rank, facts.all_n_train, _N_TRAIN, "training crystals of the group"
            )
        ]
        caption = f"Accuracy in %{name}, with 95 % intervals; {about}."
        head = ["crystals", "top-1", "top-6", "number"]
        blocks.append(Table(caption, head, rows))
    return Section("All space groups", blocks)
