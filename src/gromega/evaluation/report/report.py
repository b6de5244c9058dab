"""The report: what a model is worth, with the uncertainty of every number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gromega._util.intervals import Share
from gromega._util.plotting import to_svg
from gromega.crystals.space_groups import (
    SYSTEMS,
    centrosymmetric,
    crystal_system,
    related,
    symbol,
)
from gromega.evaluation import analysis, figures, paper
from gromega.evaluation import score as accuracy
from gromega.evaluation.analysis import Group
from gromega.evaluation.report.document import Document, Picture, Section, Table
from gromega.evaluation.score import TOP, score
from gromega.evaluation.subsamples import Subsamples
from gromega.lake.predictions import StoredPredictions
from gromega.model.calibration import Calibration
from gromega.model.model import Model
from gromega.networks.logits import classes, ranks

REFUSED = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7)
MOST_CONFUSED = 12


@dataclass(frozen=True)
class Tested:
    """What is known of the crystals of the test part, n of them, beside their PDFs.

    Parameters
    ----------
    space_groups
        Their space groups, (n,).
    atoms
        Their numbers of atoms per cell, (n,).
    siblings
        How many crystals of the training part have the same structure type, (n,).
    trained
        How many crystals of the training part each group has, (n_groups,), in the
        order of the model's space groups.
    scheme
        How the split was made.
    source
        What the crystals were made from.
    """

    space_groups: NDArray[np.int64]
    atoms: NDArray[np.int64]
    siblings: NDArray[np.int64]
    trained: NDArray[np.int64]
    scheme: str
    source: str


def make_report(
    model: Model,
    tested: Tested,
    answers: Mapping[str, StoredPredictions],
    draws: Mapping[tuple[str, str], Subsamples],
    baselines: Mapping[str, NDArray[np.floating]],
    comparisons: Sequence[Table] = (),
) -> Document:
    """Return the report on a model.

    Parameters
    ----------
    model
        The model.
    tested
        The crystals that it was tested on.
    answers
        Its answers by name: ``reference``, and those of the sweeps.
    draws
        The accuracies of draws by name of the sweep and key of the point.
    baselines
        The log-probabilities of simple models at the reference, (n, n_groups), by name.
    comparisons
        Comparisons with other runs.
    """
    reference = answers["reference"]
    sweeps = [found for found in answers.values() if found.sweep]
    y = classes(model.space_groups, tested.space_groups)
    log_p = reference.log_p[0]
    rank = ranks(log_p, y)
    top1, top6 = Share.of(rank < 1), Share.of(rank < 6)
    recipe = model.training.get("recipe", "unknown")
    about = f"{y.size:,} test crystals, {tested.scheme} split of {tested.source}"
    sections = [
        Section("At the reference", _reference(model, about, reference, y, baselines)),
        *(_sweep(model, sweep, about, y, draws) for sweep in sweeps),
        Section("What it gets wrong", _wrong(model, tested, about, log_p, y)),
        Section("How sure it is", _sure(model, about, log_p, y, sweeps)),
    ]
    if comparisons:
        sections.insert(1, Section("Compared with others", comparisons))
    summary = (
        f"At the reference the model is right for {_range(top1)} (top-1), and has the "
        f"right group among its first six for {_range(top6)} (top-6), of {about}; it "
        f"knows {model.space_groups.size} space groups and has learned from "
        f"{model.training.get('n_train', 0):,} crystals. Ranges are 95 % intervals."
    )
    return Document(f"Robustness of the model of recipe {recipe}", summary, sections)


def _reference(
    model: Model,
    about: str,
    answers: StoredPredictions,
    y: NDArray[np.int64],
    baselines: Mapping[str, NDArray[np.floating]],
) -> list[str | Table | Picture]:
    rows, ours = [], {"this model": answers.log_p[0]}
    if answers.log_p_with_composition is not None:
        ours["this model, told the compositions"] = answers.log_p_with_composition[0]
    for name, found in {**ours, **baselines}.items():
        rank = ranks(found, y)
        rows.append([name, *(_cell(Share.of(rank < k)) for k in (1, 6))])
    theirs = (f"{100 * paper.PAPER_REFERENCE[k]:.1f}" for k in ("top1", "top6"))
    rows.append(["Lan et al., crystals of the ICSD", *theirs])
    conditions = ", ".join(
        f"{name} {'∞' if value is None else value}"
        for name, value in model.conditions.to_mapping().items()
    )
    return [
        f"The reference: {conditions}.",
        Table(
            f"Accuracy in % at the reference, {about}.", ["", "top-1", "top-6"], rows
        ),
    ]


def _sweep(
    model: Model,
    answers: StoredPredictions,
    about: str,
    y: NDArray[np.int64],
    draws: Mapping[tuple[str, str], Subsamples],
) -> Section:
    sweep = answers.sweep
    assert sweep is not None
    scores = accuracy.scores(answers, model.space_groups[y])
    caption = f"recipe {model.training.get('recipe')}, {y.size:,} test crystals"
    if len(sweep.axes) == 2:
        drawn = figures.map_figure(sweep, scores, caption)
        words = (
            f"Top-1 and top-6 accuracy over {sweep.axes[0].name} and "
            f"{sweep.axes[1].name}, {about}."
        )
        return Section(
            f"Map: {sweep.name}", [Picture(words, sweep.name, to_svg(drawn))]
        )
    (axis,) = sweep.axes
    boxes = {key: draws[sweep.name, key] for key in scores}
    drawn = figures.sweep_figure(axis, scores, model.trained_over, caption, boxes)
    theirs = paper.reported(axis)
    rows = []
    for place, (key, log_p, seen) in enumerate(answers.points()):
        rank = ranks(log_p[seen], y[seen])
        row = [key]
        for k, name in ((1, "top1"), (6, "top6")):
            row += [_cell(Share.of(rank < k)), _quartiles(boxes[key][name])]
        if answers.log_p_with_composition is not None:
            rank = ranks(answers.log_p_with_composition[place, seen], y[seen])
            row += [_cell(Share.of(rank < k)) for k in (1, 6)]
        row += [f"{100 * value:.1f}" for value in theirs.get(key, ())]
        rows.append(row)
    unit = f", {axis.unit}" if axis.unit else ""
    head = [f"{axis.name}{unit}", "top-1", "quartiles", "top-6", "quartiles"]
    head += (
        ["told top-1", "told top-6"]
        if answers.log_p_with_composition is not None
        else []
    )
    head += ["Lan top-1", "Lan top-6"] if theirs else []
    words = f"Top-1 and top-6 accuracy along {axis.name}, {about}."
    table = Table(
        f"Accuracy in % along {axis.name}, {about}; quartiles over draws of a tenth.",
        head,
        rows,
    )
    return Section(
        f"Along {axis.name}", [Picture(words, sweep.name, to_svg(drawn)), table]
    )


def _wrong(
    model: Model,
    tested: Tested,
    about: str,
    log_p: NDArray[np.floating],
    y: NDArray[np.int64],
) -> list[str | Table | Picture]:
    rank = ranks(log_p, y)
    known = [int(group) for group in model.space_groups]
    systems = crystal_system(tested.space_groups)
    guessed = crystal_system(model.space_groups[log_p.argmax(axis=1)])
    right = Share.of(guessed == systems)
    matrix = analysis.confusion(log_p, y)
    off = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-off, axis=None, kind="stable")[:MOST_CONFUSED]
    worst = [divmod(int(k), len(known)) for k in order if off.flat[k]]
    pairs = [
        [_name(known[i]), _name(known[j]), f"{off[i, j]}", f"{matrix[i].sum()}"]
        for i, j in worst
    ]

    def table(what: str, groups: Sequence[Group]) -> Table:
        rows = [[g.name, _cell(g.top1), _cell(g.top6), f"{g.top1.n:,}"] for g in groups]
        return Table(f"Accuracy in % by {what}, {about}.",
                     [what, "top-1", "top-6", "crystals"], rows)  # fmt: skip

    by_group = analysis.by_group(rank, y, [_name(group) for group in known])
    near = np.array([[related(one, other) for other in known] for one in known])
    guess = log_p.argmax(axis=1)
    errors = near[y, guess][guess != y]
    words = "No answer is wrong."
    if errors.size:
        words = (
            f"Of the {errors.size:,} wrong answers, {_range(Share.of(errors))} are a "
            "subgroup or a supergroup of the truth with the same translations, as when "
            "a small distortion is overlooked or imagined."
        )
    return [
        f"The crystal system is right for {_range(right)}. {words}",
        table(
            "crystal system",
            analysis.by_group(rank, systems, [name for name, _, _ in SYSTEMS]),
        ),
        table(
            "structure type, by its crystals in the training part",
            analysis.by_number(rank, tested.siblings, (0, 1, 3, 10, 100), "siblings"),
        ),
        table(
            "size of the cell",
            analysis.by_number(rank, tested.atoms, (1, 5, 10, 20, 40, 80), "atoms"),
        ),
        table(
            "number of training crystals of the group",
            analysis.by_number(
                rank, tested.trained[y], (0, 300, 600, 1200, 2400), "crystals"
            ),
        ),
        table("space group", by_group),
        Picture(
            f"How often each space group is taken for each, {about}.",
            "confusion",
            to_svg(figures.confusion_figure(matrix, known)),
        ),
        Table(
            f"The groups that are confused most, {about}.",
            ["true", "taken for", "crystals", "of"],
            pairs,
        ),
        _known_beforehand(known, about, log_p, y),
    ]


def _known_beforehand(
    known: Sequence[int], about: str, log_p: NDArray[np.floating], y: NDArray[np.int64]
) -> Table:
    """Return what the answers would be worth to somebody who knows more."""
    system = crystal_system(known)
    lattice = np.array([symbol(group)[0] for group in known])
    inversion = np.array([centrosymmetric(group) for group in known])
    symmetry = {
        "nothing": np.zeros(len(known)),
        "the crystal system": system,
        "the centring of the lattice": lattice,
        "whether there are inversion centres": inversion,
    }
    kinds = {
        what: np.unique(values, return_inverse=True)[1]
        for what, values in symmetry.items()
    }
    each = np.stack(list(kinds.values()))
    kinds["all of these"] = np.unique(each, axis=1, return_inverse=True)[1].reshape(-1)
    rows = []
    for what, kind in kinds.items():
        rank = analysis.ranks_among(log_p, y, kind)
        rows.append([what, *(_cell(Share.of(rank < k)) for k in TOP)])
    caption = f"Accuracy in % if some of the symmetry is known beforehand, {about}."
    return Table(caption, ["known", "top-1", "top-6"], rows)


def _sure(
    model: Model,
    about: str,
    log_p: NDArray[np.floating],
    y: NDArray[np.int64],
    sweeps: Sequence[StoredPredictions],
) -> list[str | Table | Picture]:
    bins = analysis.reliability_diagram(log_p, y)
    error = score(log_p, y)["ece"]
    kept = analysis.selective_accuracy(log_p, y, REFUSED)
    blocks: list[str | Table | Picture] = [
        f"The expected calibration error at the reference is {100 * error:.1f} %.",
        Picture(
            f"Accuracy against confidence, in tenths of the crystals, {about}.",
            "reliability",
            to_svg(figures.reliability_figure(bins)),
        ),
        Table(
            f"Top-1 accuracy in % if the least confident answers are refused, {about}.",
            ["refused", "top-1", "answered"],
            [
                [f"{share:.0%}", _cell(found), f"{found.n:,}"]
                for share, found in zip(REFUSED, kept, strict=True)
            ],
        ),
    ]
    if model.calibration:
        found = analysis.coverages(model.calibration, log_p, y)
        blocks.append(
            Table(
                f"Prediction sets at the reference, {about}.",
                ["asked for", "covered, %", "groups in a set"],
                [[f"{c.wanted:.0%}", _cell(c.covered), f"{c.size:.1f}"] for c in found],
            )
        )
    for answers in sweeps:
        assert answers.sweep is not None
        if len(answers.sweep.axes) == 1:
            blocks.append(_sure_along(model.calibration, answers, about, y))
    return blocks


def _sure_along(
    calibration: Calibration | None,
    answers: StoredPredictions,
    about: str,
    y: NDArray[np.int64],
) -> Table:
    """Return whether the confidence falls when the accuracy does."""
    rows = []
    coverages = list(calibration.conformal) if calibration else []
    for key, log_p, seen in answers.points():
        found, truth = log_p[seen], y[seen]
        confidence = float(np.exp(found.max(axis=1)).mean())
        row = [key, f"{100 * confidence:.1f}"]
        scores = score(found, truth)
        row += [f"{100 * scores[name]:.1f}" for name in ("top1", "ece")]
        if calibration:
            for c in analysis.coverages(calibration, found, truth):
                row += [f"{100 * c.covered.value:.1f}", f"{c.size:.1f}"]
        rows.append(row)
    assert answers.sweep is not None
    (axis,) = answers.sweep.axes
    head = [axis.name, "confidence", "top-1", "calibration error"]
    for key in coverages:
        head += [f"sets for {float(key):.0%} cover", "groups"]
    return Table(f"Mean confidence and accuracy in % along {axis.name}, {about}.",
                 head, rows)  # fmt: skip


def _name(group: int) -> str:
    return f"{group} {symbol(group)}"


def _cell(share: Share) -> str:
    half = 50 * (share.high - share.low)
    return f"{100 * share.value:.1f} ± {half:.1f}"


def _range(share: Share) -> str:
    return (
        f"{100 * share.value:.1f} % ({100 * share.low:.1f} to {100 * share.high:.1f})"
    )


def _quartiles(values: NDArray[np.float64]) -> str:
    low, middle, high = np.quantile(100 * values, (0.25, 0.5, 0.75))
    return f"{low:.1f} / {middle:.1f} / {high:.1f}"
