"""Accuracy of a model on the test crystals."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gromega._util.files import read_json, sha256, write_json
from gromega.crystals.table import read_formulas
from gromega.lake.pdfs import read_pdfs
from gromega.lake.predictions import StoredPredictions
from gromega.lake.splits import BENCHMARK, benchmark_groups, read_part
from gromega.model.calibration import expected_calibration_error
from gromega.model.model import Model
from gromega.networks.logits import among, classes, ranks

TOP = (1, 6)
WITH_COMPOSITION = "with_composition"
ALL_GROUPS = "all_groups"
Scores = dict[str, Any]
"""Accuracies of a model; at `WITH_COMPOSITION`, those with the composition.

Of a model of more groups than the benchmark, those on all test crystals, among all
groups, are at `ALL_GROUPS`.
"""


def score(
    log_p: NDArray[np.floating],
    y: NDArray[np.int64],
    with_composition: NDArray[np.floating] | None = None,
) -> Scores:
    """Return the accuracies, the calibration error and the number of crystals.

    The keys are ``top1``, ``top6``, the expected calibration error ``ece``, ``n`` and,
    where `with_composition` is given, `WITH_COMPOSITION` with the same four keys. Both
    log-probabilities are (n, n_groups); the true classes are (n,).
    """
    rank = ranks(log_p, y)
    scores: Scores = {f"top{k}": round(float(np.mean(rank < k)), 6) for k in TOP}
    error = round(expected_calibration_error(log_p, y), 6)
    scores |= {"ece": error, "n": int(y.size)}
    if with_composition is not None:
        scores[WITH_COMPOSITION] = score(with_composition, y)
    return scores


def chance(n_groups: int) -> Scores:
    """Return the accuracies of groups drawn at random."""
    return {f"top{k}": min(k / n_groups, 1.0) for k in TOP}


def score_with_benchmark(
    log_p: NDArray[np.floating],
    y: NDArray[np.int64],
    with_composition: NDArray[np.floating] | None,
    benchmark: NDArray[np.int64],
) -> Scores:
    """Return `score` on the crystals of the benchmark, among its classes alone.

    The benchmark is an array of classes, (k,). If there are more, the score on all
    crystals among all classes is at `ALL_GROUPS`.
    """
    if benchmark.size == log_p.shape[1]:
        return score(log_p, y, with_composition)
    inside, known = np.isin(y, benchmark), with_composition
    if known is not None:
        known = among(known[inside], benchmark)
    found = score(among(log_p[inside], benchmark), classes(benchmark, y[inside]), known)
    return found | {ALL_GROUPS: score(log_p, y, with_composition)}


def scores(
    predictions: StoredPredictions, space_groups: NDArray[np.int64]
) -> dict[str, Scores]:
    """Return the scores by point of a sweep; the key of the reference is empty."""
    y = classes(predictions.space_groups, space_groups)
    found, known = {}, predictions.log_p_with_composition
    for point, (key, log_p, valid) in enumerate(predictions.points()):
        with_composition = None if known is None else known[point, valid]
        found[key] = score(log_p[valid], y[valid], with_composition)
    return found


def scores_at_reference(
    predictions: StoredPredictions,
    benchmark: NDArray[np.int64],
    space_groups: NDArray[np.int64],
) -> Scores:
    """Return `score_with_benchmark` of stored predictions at the reference.

    The benchmark is an array of space groups, (k,), and the true ones are (n,).
    """
    known = predictions.log_p_with_composition
    return score_with_benchmark(
        predictions.log_p[0],
        classes(predictions.space_groups, space_groups),
        None if known is None else known[0],
        classes(predictions.space_groups, benchmark),
    )


def flat(score: Scores) -> dict[str, float]:
    """Return scores as DVC tabulates metrics: ``top1_with_composition`` and so on."""
    nested = (WITH_COMPOSITION, ALL_GROUPS)
    found = {key: value for key, value in score.items() if key not in nested}
    for key, value in score.get(WITH_COMPOSITION, {}).items():
        if key != "n":
            found[f"{key}_{WITH_COMPOSITION}"] = value
    if of_all := score.get(ALL_GROUPS):
        found |= {f"{key}_{ALL_GROUPS}": n for key, n in flat(of_all).items()}
    return found


def unflat(values: Mapping[str, float]) -> Scores:
    """Return the scores of which `flat` made these values."""
    rest, of_all = _apart(values, f"_{ALL_GROUPS}")
    score, known = _apart(rest, f"_{WITH_COMPOSITION}")
    if known:
        score[WITH_COMPOSITION] = {**known, "n": score["n"]}
    if of_all:
        score[ALL_GROUPS] = unflat(of_all)
    return score


def _apart(values: Mapping[str, float], suffix: str) -> tuple[Scores, Scores]:
    """Return the values whose keys lack a suffix, and the others without it."""
    rest = {key: value for key, value in values.items() if not key.endswith(suffix)}
    return rest, {k.removesuffix(suffix): v for k, v in values.items() if k not in rest}


def write_points(folder: Path, scores: Mapping[str, Scores]) -> None:
    """Write the scores at each point of a sweep to ``<key>.json``, flat."""
    for key, of_point in scores.items():
        write_json(folder / f"{key}.json", flat(of_point))


def read_points(folder: Path, keys: Iterable[str]) -> dict[str, Scores]:
    """Return the scores at the points of a sweep by their keys."""
    return {key: unflat(read_json(folder / f"{key}.json")) for key in keys}


def score_model(model: Model, data: Path) -> Scores:
    """Return the scores of a model on the test part of a pipeline at the reference.

    If it has crystals of more groups than the benchmark, they are those of
    `score_with_benchmark`, else those of all groups of the model.

    The folder `data` has crystals.parquet, split.parquet and reference.zarr. ValueError
    is raised if a space group of the test part is not among the model's, or if its
    crystals may have been trained on.
    """
    ids, labels = read_part(data / "split.parquet", "test")
    _check_unseen(model, data / "split.parquet", ids.tolist())
    y = classes(model.space_groups, labels)
    g = read_pdfs(data / "reference.zarr", ids)
    formulas = None
    if model.uses_compositions:
        formulas = read_formulas(data / "crystals.parquet", ids)
    log_p, with_composition = model.without_and_with_composition(g, formulas)
    chosen = model.space_groups
    if np.unique(labels).size > BENCHMARK:
        chosen = benchmark_groups(data / "split.parquet")
    benchmark = classes(model.space_groups, chosen)
    return score_with_benchmark(log_p, y, with_composition, benchmark)


def learned_of(model: Model, ids: Iterable[str]) -> list[str]:
    """Return those of some ids, in their order, that a model was trained on.

    Only a model with neighbours knows its training crystals.
    """
    trained = frozenset(model.neighbours.ids if model.neighbours else ())
    return [name for name in ids if name in trained]


def _check_unseen(model: Model, split: Path, ids: list[str]) -> None:
    """Raise ValueError if test crystals may be training crystals of a model."""
    stated = model.training.get("sha256", {}).get(split.name)
    if stated == sha256(split):
        return
    if learned := learned_of(model, ids):
        raise ValueError(
            f"{split}: {len(learned)} of the {len(ids)} test crystals are training "
            f"crystals of the model, such as {learned[0]!r}; score it on others."
        )
    if stated or not model.neighbours:
        raise ValueError(
            f"{split}: the model was trained with another split, perhaps on these test "
            "crystals; score it with the split of its training."
        )
