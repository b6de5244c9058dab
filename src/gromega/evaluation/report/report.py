"""The report on a model: its accuracy, its errors and its confidence."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gromega._util.formatting import percent
from gromega._util.intervals import Share
from gromega.evaluation.report.accuracy import reference_section, sweep_section
from gromega.evaluation.report.all_groups import all_groups_section
from gromega.evaluation.report.confidence import confidence_section
from gromega.evaluation.report.content import Report, Section, Table
from gromega.evaluation.report.errors import errors_section
from gromega.evaluation.report.facts import CrystalFacts
from gromega.evaluation.report.familiarity import familiarity_section
from gromega.evaluation.report.released import Released
from gromega.evaluation.score import TOP, chance
from gromega.evaluation.subsamples import Subsamples
from gromega.lake.predictions import StoredPredictions
from gromega.model.model import Model
from gromega.networks.logits import classes, ranks


def make_report(
    model: Model,
    facts: CrystalFacts,
    predictions: Mapping[str, StoredPredictions],
    subsamples: Mapping[tuple[str, str], Subsamples],
    baselines: Mapping[str, NDArray[np.floating]],
    by_novelty: Mapping[str, Any],
    comparisons: Sequence[Table] = (),
    released: Released | None = None,
    everything: StoredPredictions | None = None,
) -> Report:
    """Return the report on a model.

    Predictions are by name: ``reference``, and the sweeps; accuracies of subsamples by
    name of the sweep and key of the point; log-probabilities at the reference,
    (n, n_groups), by name of the baseline; scores of the stage evaluate-novelty. The
    released model comes first. All of these are of the benchmark but `everything`, the
    predictions at the reference for all test crystals.
    """
    reference = predictions["reference"]
    sweeps = [each for each in predictions.values() if each.sweep]
    groups = reference.space_groups
    y = classes(groups, facts.space_groups)
    log_p = reference.log_p[0]
    origin = f"{facts.scheme} split of {facts.source}"
    about = f"{y.size:,} test crystals, {origin}"
    n_all = everything.ids.size if everything else y.size
    sections = [
        reference_section(model, about, reference, y, baselines),
        *([Section("Comparison with other runs", comparisons)] if comparisons else []),
        *(sweep_section(model, about, sweep, y, subsamples) for sweep in sweeps),
        *(
            [all_groups_section(facts, everything, groups)]
            if everything and everything.space_groups.size > groups.size
            else []
        ),
        errors_section(
            groups, about, log_p, y, facts.atoms, facts.isostructural,
            facts.n_train,
        ),
        familiarity_section(f"{n_all:,} test crystals, {origin}", by_novelty),
        confidence_section(model.calibration, about, log_p, y, groups, sweeps),
    ]  # fmt: skip
    top1, top6 = (Share.of(ranks(log_p, y) < k).text() for k in TOP)
    at_random = " and ".join(map(percent, chance(groups.size).values()))
    recipe = model.training.get("recipe", "unknown")
    summary = (
        f"At the reference, top-1 accuracy is {top1} and top-6 accuracy is {top6}, on "
        f"{about}; groups drawn at random have {at_random}. The model distinguishes "
        f"{model.space_groups.size} space groups and was trained on "
        f"{model.training.get('n_train', 0):,} crystals. Ranges are 95 % confidence "
        "intervals."
    )
    if released is None:
        title = f"Robustness of the model (recipe: {recipe})"
        return Report(title, [summary], sections)
    # A recipe of synthetic crystals is a .yaml file.
    if facts.source.endswith(".yaml"):
        summary += " The crystals are synthetic: this run only checks the pipeline."
    return Report(
        f"Robustness of the released model and of this run (recipe: {recipe})",
        [released.summary, f"This run: {_small(summary)}"],
        [
            released.section,
            *(replace(each, title=f"This run: {_small(each.title)}")
              for each in sections),
        ],
    )  # fmt: skip


def _small(sentence: str) -> str:
    """Return a sentence to stand after a colon."""
    return sentence[:1].lower() + sentence[1:]
