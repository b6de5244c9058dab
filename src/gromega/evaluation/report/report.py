"""The report on a model: its accuracy, its errors and its confidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gromega._util.formatting import percent
from gromega.evaluation.report.accuracy import reference_section, sweep_section
from gromega.evaluation.report.all_groups import all_groups_section
from gromega.evaluation.report.cell_sizes import cell_sizes_section
from gromega.evaluation.report.confidence import confidence_section
from gromega.evaluation.report.content import Report, Section, Table
from gromega.evaluation.report.errors import errors_section
from gromega.evaluation.report.facts import CrystalFacts
from gromega.evaluation.report.familiarity import familiarity_section
from gromega.evaluation.report.released import Released
from gromega.evaluation.score import TOP, chance
from gromega.evaluation.subsamples import Subsamples
from gromega.lake.predictions import StoredPredictions
from gromega.model.intervals import Share
from gromega.model.model import Model
from gromega.networks.logits import classes, ranks


@dataclass(frozen=True)
class Run:
    """A model and what this pipeline found with it, of the benchmark but `everything`.

    Predictions are by name: ``reference``, and the sweeps; accuracies of subsamples by
    name of the sweep and key of the point; log-probabilities at the reference,
    (n, n_groups), by name of the baseline; `by_novelty` and `cell_sizes` are the scores
    of the stage evaluate-novelty; `everything` are the predictions at the reference for
    all test crystals.
    """

    model: Model
    facts: CrystalFacts
    predictions: Mapping[str, StoredPredictions]
    subsamples: Mapping[tuple[str, str], Subsamples]
    baselines: Mapping[str, NDArray[np.floating]]
    by_novelty: Mapping[str, Any]
    cell_sizes: Mapping[str, Any]
    comparisons: Sequence[Table] = ()
    everything: StoredPredictions | None = None


def make_report(run: Run, released: Released | None = None) -> Report:
    """Return the report on a run; the released model comes first."""
    of_model = f"(recipe: {run.model.training.get('recipe', 'unknown')})"
    reference = run.predictions["reference"]
    groups, log_p = reference.space_groups, reference.log_p[0]
    y = classes(groups, run.facts.space_groups)
    origin = f"{run.facts.scheme} split of {run.facts.source}"
    summary = _summary(run.model, f"{y.size:,} test crystals, {origin}", log_p, y)
    sections = _sections(run, origin, groups, log_p, y)
    if released is None:
        return Report(f"Robustness of the model {of_model}", [summary], sections)
    # A recipe of synthetic crystals is a .yaml file.
    if run.facts.source.endswith(".yaml"):
        summary += " The crystals are synthetic: this run only checks the pipeline."
    of_run = [replace(s, title=f"This run: {_small(s.title)}") for s in sections]
    return Report(
        f"Robustness of the released model and of this run {of_model}",
        [released.summary, f"This run: {_small(summary)}"],
        [released.section, *of_run],
    )


def _summary(
    model: Model, about: str, log_p: NDArray[np.floating], y: NDArray[np.int64]
) -> str:
    top1, top6 = (Share.of(ranks(log_p, y) < k).text() for k in TOP)
    at_random = " and ".join(map(percent, chance(log_p.shape[1]).values()))
    return (
        f"At the reference, top-1 accuracy is {top1} and top-6 accuracy is {top6}, on "
        f"{about}; groups drawn at random have {at_random}. The model distinguishes "
        f"{model.space_groups.size} space groups and was trained on "
        f"{model.training.get('n_train', 0):,} crystals. Ranges are 95 % confidence "
        "intervals."
    )


def _sections(
    run: Run,
    origin: str,
    groups: NDArray[np.int64],
    log_p: NDArray[np.floating],
    y: NDArray[np.int64],
) -> list[Section]:
    model, facts, everything = run.model, run.facts, run.everything
    about = f"{y.size:,} test crystals, {origin}"
    reference = run.predictions["reference"]
    sections = [reference_section(model, about, reference, y, run.baselines)]
    if run.comparisons:
        sections.append(Section("Comparison with other runs", run.comparisons))
    sweeps = [each for each in run.predictions.values() if each.sweep]
    for sweep in sweeps:
        sections.append(sweep_section(model, about, sweep, y, run.subsamples))
    if everything and everything.space_groups.size > groups.size:
        sections.append(all_groups_section(facts, everything, groups))
    n_all = everything.ids.size if everything else y.size
    about_all = f"{n_all:,} test crystals, {origin}"
    sizes = [cell_sizes_section(about_all, run.cell_sizes)] if run.cell_sizes else []
    return [
        *sections,
        errors_section(
            groups, about, log_p, y, facts.atoms, facts.isostructural, facts.n_train
        ),
        familiarity_section(about_all, run.by_novelty),
        *sizes,
        confidence_section(model.calibration, about, log_p, y, groups, sweeps),
    ]


def _small(sentence: str) -> str:
    """Return a sentence to stand after a colon."""
    return sentence[:1].lower() + sentence[1:]
