"""The section on errors: which crystals are misclassified, and as which groups."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gromega._util.formatting import percent
from gromega._util.plotting import style, to_svg
from gromega.crystals.space_groups import (
    SYSTEMS,
    centrosymmetric,
    crystal_system,
    related,
    symbol,
)
from gromega.evaluation import analysis
from gromega.evaluation.report.accuracy import accuracy_cells
from gromega.evaluation.report.content import ReportFigure, Section, Table
from gromega.model.intervals import Share
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
    """Return the section on the errors at the reference, with log p, (n, n_groups).

    The space groups are the model's, (n_groups,); the last three, of `CrystalFacts`.
    """
    rank = ranks(log_p, y)
    groups = space_groups.tolist()
    systems = crystal_system(space_groups[y])
    names = [name for name, _, _ in SYSTEMS]
    matrix = analysis.confusion_matrix(log_p, y)
    subsets = {
        "crystal system": analysis.accuracy_by_category(rank, systems, names),
        "training crystals of the same structure type": analysis.accuracy_by_number(
            rank, isostructural, (0, 1, 3, 10, 100), "crystals"
        ),
        "size of the cell": analysis.accuracy_by_number(
            rank, atoms, (1, 5, 10, 20, 40, 80), "atoms"
        ),
        "training crystals of the space group": analysis.accuracy_by_number(
            rank, n_train[y], (0, 300, 600, 1200, 2400), "crystals"
        ),
        "space group": analysis.accuracy_by_category(
            rank, y, [_group_name(group) for group in groups]
        ),
    }
    tables = [
        Table(
            f"Accuracy in % by {what}, with 95 % intervals; {about}.",
            [what, "top-1", "top-6", "crystals"],
            [[s.name, s.top1.cell(), s.top6.cell(), f"{s.top1.n:,}"] for s in found],
        )
        for what, found in subsets.items()
    ]
    figure = ReportFigure(
        f"Predicted against true space groups; {about}.",
        "confusion",
        to_svg(confusion_figure(matrix, groups)),
    )
    summary = _summary(space_groups, log_p, y)
    confusions = _confusions(groups, about, matrix)
    known = _known_symmetry(groups, about, log_p, y)
    return Section("Errors", [summary, *tables, figure, confusions, known])


def confusion_figure(matrix: NDArray[np.int64], groups: Sequence[int]) -> Figure:
    """Return a confusion matrix as a figure, with lines between crystal systems.

    Rows and columns of the matrix are in the order of `groups`; the figure sorts them.
    """
    order = np.argsort(groups, kind="stable")
    labels = [str(groups[k]) for k in order]
    shares = (
        matrix[np.ix_(order, order)] / np.maximum(matrix.sum(axis=1), 1)[order, None]
    )
    with style():
        size = max(3.6, 0.155 * len(groups))
        figure = Figure(figsize=(size + 0.9, size), layout="constrained")
        plot = figure.add_subplot()
        image = plot.imshow(100 * shares, cmap="Blues", norm="asinh", vmin=0, vmax=100)
        systems = crystal_system(np.sort(groups))
        for last in np.flatnonzero(np.diff(systems)):
            for line in (plot.axhline, plot.axvline):
                line(last + 0.5, color="#999999", linewidth=0.6)
        plot.set_xticks(range(len(groups)), labels, rotation=90, fontsize=6)
        plot.set_yticks(range(len(groups)), labels, fontsize=6)
        plot.set(xlabel="predicted space group", ylabel="true space group")
        plot.grid(visible=False)
        bar = figure.colorbar(image, shrink=0.6, ticks=(0, 1, 3, 10, 30, 100))
        bar.set_label("share of the true group (%)")
        bar.ax.set_yticklabels(["0", "1", "3", "10", "30", "100"])
    return figure


def _group_name(number: int) -> str:
    return f"{number} {symbol(number)}"


def _summary(
    space_groups: NDArray[np.int64], log_p: NDArray[np.floating], y: NDArray[np.int64]
) -> str:
    predicted = log_p.argmax(axis=1)
    right = Share.of(
        crystal_system(space_groups[predicted]) == crystal_system(space_groups[y])
    )
    text = f"The crystal system is correct for {right.text()} of the crystals. "
    wrong = np.flatnonzero(predicted != y)
    if not wrong.size:
        return text + "No prediction is wrong."
    one, other = space_groups[y[wrong]], space_groups[predicted[wrong]]
    near = Share.of(np.array([related(*pair) for pair in zip(one, other, strict=True)]))
    return text + (
        f"Of the {wrong.size:,} wrong predictions, {near.text()} are a subgroup or a "
        "supergroup of the true group with the same translations. If these predictions "
        f"were exchanged at random, {percent(_by_chance(one, other))} would be."
    )


def _by_chance(true: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    """Return the share of all pairs of a true and a predicted group that are related.

    Both groups, (n,), are those of wrong predictions; equal ones are left out.
    """
    pairs = [
        (count * other_count, related(a, b))
        for a, count in Counter(true.tolist()).items()
        for b, other_count in Counter(predicted.tolist()).items()
        if a != b
    ]
    weights, near = np.array(pairs, float).reshape(-1, 2).T
    return float(weights @ near / max(weights.sum(), 1))


def _confusions(groups: Sequence[int], about: str, matrix: NDArray[np.int64]) -> Table:
    off = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-off, axis=None, kind="stable")[:MOST_CONFUSED]
    rows = []
    for i, j in (divmod(int(k), len(groups)) for k in order if off.flat[k]):
        names = [_group_name(groups[i]), _group_name(groups[j])]
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
        "centring of the lattice": [symbol(group)[0] for group in groups],
        "presence of inversion centres": [centrosymmetric(group) for group in groups],
    }
    families = {
        known: np.unique(np.asarray(values), return_inverse=True)[1]
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
