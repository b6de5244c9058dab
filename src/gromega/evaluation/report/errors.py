"""The section on errors: which crystals are misclassified, and as which groups."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gromega._util.formatting import percent_with_range
from gromega._util.intervals import Share
from gromega._util.plotting import to_svg
from gromega.crystals.space_groups import (
    SYSTEMS,
    centrosymmetric,
    crystal_system,
    related,
    symbol,
)
from gromega.evaluation import analysis
from gromega.evaluation.analysis import SubsetAccuracy
from gromega.evaluation.figures.confusion import confusion_figure
from gromega.evaluation.report.cells import accuracy_cells, group_name, share_cell
from gromega.evaluation.report.content import ReportFigure, Section, Table
from gromega.networks.logits import ranks

MOST_CONFUSED = 12
"""The number of pairs of groups in the table of confusions."""


def errors_section(
    space_groups: NDArray[np.int64],
    about: str,
    log_p: NDArray[np.floating],
    y: NDArray[np.int64],
    atoms: NDArray[np.int64],
    isostructural: NDArray[np.int64],
    n_train: NDArray[np.int64],
) -> Section:
    """Return the section on the errors at the reference.

    Parameters
    ----------
    space_groups
        The space groups of the model, (n_groups,).
    about
        The test crystals in words, for the captions.
    log_p
        The log-probabilities at the reference, (n, n_groups).
    y
        The true classes, (n,).
    atoms
        The numbers of atoms per cell, (n,).
    isostructural
        The numbers of training crystals of the same structure type, (n,).
    n_train
        The numbers of training crystals of each group, (n_groups,).
    """
    rank = ranks(log_p, y)
    groups = space_groups.tolist()
    systems = crystal_system(space_groups[y])
    matrix = analysis.confusion_matrix(log_p, y)

    def table(what: str, subsets: Sequence[SubsetAccuracy]) -> Table:
        rows = [
            [
                each.name,
                share_cell(each.top1),
                share_cell(each.top6),
                f"{each.top1.n:,}",
            ]
            for each in subsets
        ]
        caption = f"Accuracy in % by {what}, with 95 % intervals; {about}."
        return Table(caption, [what, "top-1", "top-6", "crystals"], rows)

    return Section(
        "Errors",
        [
            _summary(space_groups, log_p, y),
            table(
                "crystal system",
                analysis.accuracy_by_category(
                    rank, systems, [name for name, _, _ in SYSTEMS]
                ),
            ),
            table(
                "training crystals of the same structure type",
                analysis.accuracy_by_number(
                    rank, isostructural, (0, 1, 3, 10, 100), "crystals"
                ),
            ),
            table(
                "size of the cell",
                analysis.accuracy_by_number(
                    rank, atoms, (1, 5, 10, 20, 40, 80), "atoms"
                ),
            ),
            table(
                "training crystals of the space group",
                analysis.accuracy_by_number(
                    rank, n_train[y], (0, 300, 600, 1200, 2400), "crystals"
                ),
            ),
            table(
                "space group",
                analysis.accuracy_by_category(rank, y, [group_name(g) for g in groups]),
            ),
            ReportFigure(
                f"Predicted against true space groups; {about}.",
                "confusion",
                to_svg(confusion_figure(matrix, groups)),
            ),
            _confusions(groups, about, matrix),
            _known_symmetry(groups, about, log_p, y),
        ],
    )


def _summary(
    space_groups: NDArray[np.int64], log_p: NDArray[np.floating], y: NDArray[np.int64]
) -> str:
    predicted = log_p.argmax(axis=1)
    right = Share.of(
        crystal_system(space_groups[predicted]) == crystal_system(space_groups[y])
    )
    text = f"The crystal system is correct for {_range(right)} of the crystals. "
    wrong = np.flatnonzero(predicted != y)
    if not wrong.size:
        return text + "No prediction is wrong."
    pairs = zip(space_groups[y[wrong]], space_groups[predicted[wrong]], strict=True)
    near = Share.of(np.array([related(one, other) for one, other in pairs]))
    return text + (
        f"Of the {wrong.size:,} wrong predictions, {_range(near)} are a subgroup or a "
        "supergroup of the true group with the same translations: the model misses a "
        "small distortion, or predicts one that is not there."
    )


def _confusions(groups: Sequence[int], about: str, matrix: NDArray[np.int64]) -> Table:
    off = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-off, axis=None, kind="stable")[:MOST_CONFUSED]
    rows = []
    for i, j in (divmod(int(k), len(groups)) for k in order if off.flat[k]):
        names = [group_name(groups[i]), group_name(groups[j])]
        rows.append([*names, f"{off[i, j]}", f"{matrix[i].sum()}"])
    return Table(
        f"The most frequent confusions; {about}.",
        ["true group", "predicted group", "crystals", "of"],
        rows,
    )


def _known_symmetry(
    groups: Sequence[int], about: str, log_p: NDArray[np.floating], y: NDArray[np.int64]
) -> Table:
    """Return the accuracy if part of the symmetry were known in advance."""
    symmetry = {
        "nothing": np.zeros(len(groups)),
        "crystal system": crystal_system(groups),
        "centring of the lattice": np.array([symbol(group)[0] for group in groups]),
        "presence of inversion centres": np.array(
            [centrosymmetric(group) for group in groups]
        ),
    }
    families = {
        known: np.unique(values, return_inverse=True)[1]
        for known, values in symmetry.items()
    }
    each = np.stack(list(families.values()))
    families["all of these"] = np.unique(each, axis=1, return_inverse=True)[1].ravel()
    rows = [
        [known, *accuracy_cells(analysis.ranks_within(log_p, y, family))]
        for known, family in families.items()
    ]
    caption = (
        "Accuracy in % if part of the symmetry is known in advance, with 95 % "
        f"intervals; {about}."
    )
    return Table(caption, ["known", "top-1", "top-6"], rows)


def _range(share: Share) -> str:
    return percent_with_range(share.value, share.low, share.high)
