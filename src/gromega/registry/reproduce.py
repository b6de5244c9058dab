"""Reproduction of a released model: its scores are computed again and compared."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gromega._util.files import sha256
from gromega.conditions import Conditions
from gromega.crystals.dataset import select_crystals
from gromega.crystals.space_groups import class_of
from gromega.crystals.table import read_table, rows_of, write_table
from gromega.defects import NO_DEFECTS
from gromega.evaluation.predictions import predict_store, within
from gromega.evaluation.released import predict_carried
from gromega.evaluation.score import (
    ALL_GROUPS,
    TOP,
    WITH_COMPOSITION,
    Scores,
    learned_of,
    scores,
    scores_at_reference,
)
from gromega.lake.pdfs import write_pdfs
from gromega.lake.predictions import StoredPredictions
from gromega.lake.spectra import write_spectra
from gromega.lake.splits import benchmark_of_counts, draw_split, read_part
from gromega.model.io import load_model
from gromega.model.model import Model
from gromega.networks.logits import ranks
from gromega.params import Params, read_params
from gromega.pdf.scattering import without_length
from gromega.registry.registry import verify_folder
from gromega.sweeps import Sweep, sweep_of_keys

ROUNDING = 0.002
"""The largest difference of a score between two machines."""
_ERRORS = 4.0
"""Standard errors that the scores of a part of the test crystals may differ by."""
Report = Callable[[str], None]


@dataclass(frozen=True)
class Row:
    """A score of the card and the same score computed again."""

    where: str  # such as "rmax 10"
    score: str
    stated: float
    found: float
    allowed: float

    @property
    def differs(self) -> bool:
        """Whether the difference is beyond what is allowed."""
        return not abs(self.found - self.stated) <= self.allowed


def reproduce_from_carried(path: Path) -> Iterator[Row]:
    """Compare the scores of a card with those on the test crystals that it carries.

    These are a part of the test crystals in a compact form, so scores may differ by
    their standard errors, or by one crystal that the form changes. Left out are a
    radiation of which the model has no spectra, and defects, which it cannot simulate.

    Raises
    ------
    ValueError
        If a file of the model is damaged, or its test crystals are training crystals.
    """
    card, model = verify_folder(path), load_model(path)
    if not model.test_crystals:
        raise ValueError(f"{path}: it carries no test crystals; give --source.")
    check_disjoint(path, model, model.test_crystals.ids)
    groups = benchmark_of_counts(card["data"]["by_space_group"])
    for where, omega, stated in _points(card):
        if omega.radiation not in model.test_crystals.spectra:
            continue
        *both, y = predict_carried(model, omega, groups)
        for (suffix, its), log_p in zip(_both(stated), both, strict=False):
            assert log_p is not None
            found_ranks = ranks(log_p, y)
            for k in TOP:
                share, n = its[f"top{k}"], its["n"]
                part = max(1 - found_ranks.size / n, 0.0) / found_ranks.size
                error = _ERRORS * float(np.sqrt(share * (1 - share) * part))
                found = round(float(np.mean(found_ranks < k)), 6)
                allowed = max(error, 1 / found_ranks.size) + ROUNDING
                yield Row(where + suffix, f"top{k}", share, found, allowed)


def reproduce_from_source(
    path: Path, table: Path, work: Path, pool: Executor, report: Report | None = None
) -> Iterator[Row]:
    """Compare the scores of a card with those on all test crystals of its source.

    Parameters
    ----------
    path
        The folder of the released model.
    table
        The table of the crystals of its source.
    work
        A folder for the stores.
    pool
        The pool that computes the pair spectra.
    report
        The function to call with what is computed next.

    Raises
    ------
    ValueError
        If a file of the model is damaged, the crystals are others than those of the
        card, or a test crystal is a training crystal.
    """
    card, model = verify_folder(path), load_model(path, compiled=True)
    known = path / "params.yaml"
    params = read_params(known) if known.is_file() else Params()
    ids, labels = _test_part(path, card, table, params)
    check_disjoint(path, model, ids.tolist())
    crystals, spectra = work / "crystals.parquet", work / "spectra.zarr"
    rows = rows_of(read_table(table), ids.tolist())
    write_table(rows, crystals)
    omega = model.conditions
    groups = benchmark_of_counts(card["data"]["by_space_group"])
    of_benchmark = np.isin(labels, groups)
    write_spectra(spectra, crystals, omega.radiation, params.spectra.dmax, pool)
    formulas = rows["formula"].to_pylist() if model.uses_compositions else None

    def computed(
        name: str, sweep: Sweep | None, chosen: NDArray[np.bool_]
    ) -> StoredPredictions:
        if report:
            report(name)
        points = sweep.conditions(omega) if sweep else [omega]
        pdfs = work / f"{name}.zarr"
        write_pdfs(pdfs, spectra, points, sweep, ids[chosen], crystals)
        out = work / "predictions" / pdfs.name
        given = formulas and [formulas[i] for i in np.flatnonzero(chosen)]
        return predict_store(model, pdfs, ids[chosen], out, sweep, given)

    metrics, its_labels = card["metrics"], labels[of_benchmark]
    everything = computed("reference", None, np.ones(ids.size, bool))
    found = scores_at_reference(everything, groups, labels)
    yield from _compare("reference", _reference(card), found)
    if stated := metrics.get(ALL_GROUPS):
        yield from _compare("reference, all groups", stated, found[ALL_GROUPS])
    for name, by_value in metrics["sweeps"].items():
        along = computed(name, sweep_of_keys(name, by_value), of_benchmark)
        again = scores(within(along, groups, its_labels), its_labels)
        for value, its in by_value.items():
            yield from _compare(f"{name} {value}", its, again[value])


def check_disjoint(path: Path, model: Model, ids: Iterable[str]) -> None:
    """Raise ValueError if a test crystal is among the neighbours of a model."""
    if learned := learned_of(model, ids):
        raise ValueError(
            f"{path}: {len(learned)} test crystals are training crystals, such as "
            f"{min(learned)!r}."
        )


def _reference(card: Mapping[str, Any]) -> Scores:
    """Return the scores at the reference of a card."""
    metrics = card["metrics"]
    known = {key: metrics[key] for key in (WITH_COMPOSITION,) if key in metrics}
    return {**metrics["reference"], **known}


def _points(card: Mapping[str, Any]) -> Iterator[tuple[str, Conditions, Scores]]:
    """Yield name, conditions and scores of the reference and the points of sweeps.

    Points with defects are left out.
    """
    omega, metrics = Conditions.from_mapping(card["conditions"]), card["metrics"]
    yield "reference", omega, _reference(card)
    for name, by_value in metrics["sweeps"].items():
        sweep = sweep_of_keys(name, by_value)
        points = zip(
            sweep.keys(), sweep.conditions(omega), sweep.defects(), strict=True
        )
        for value, point, defects in points:
            if defects == NO_DEFECTS:
                yield f"{name} {value}", point, by_value[value]


def _both(stated: Scores) -> Iterator[tuple[str, Scores]]:
    yield "", stated
    if WITH_COMPOSITION in stated:
        yield ", with composition", stated[WITH_COMPOSITION]


def _compare(where: str, stated: Scores, found: Scores) -> Iterator[Row]:
    for (suffix, its), (_, again) in zip(_both(stated), _both(found), strict=True):
        for key in (*(f"top{k}" for k in TOP), "ece", "n"):
            allowed = 0.0 if key == "n" else ROUNDING
            yield Row(where + suffix, key, its[key], again[key], allowed)


def _test_part(
    path: Path, card: Mapping[str, Any], table: Path, params: Params
) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    """Return ids and space groups of the test part: carried, or drawn once more."""
    if (path / "split.parquet").is_file():
        return read_part(path / "split.parquet", "test")
    data = card["data"]
    same = sha256(table) in data["sha256"].values()
    if data["split"]["scheme"] != "random" or not same:
        raise ValueError(
            f"{path}: it carries no split, and {table} is not the table of its card."
        )
    crystals, radiation = params.crystals, card["conditions"]["radiation"]
    chosen = select_crystals(
        table, crystals.n_groups, crystals.observed, False,
        without_length(radiation),
    )  # fmt: skip
    rows = read_table(table, ["id", "space_group"]).filter(pa.array(chosen.dataset))
    ids, groups = np.array(rows["id"].to_pylist()), class_of(rows["space_group"])
    split = params.split
    parts = draw_split(ids, groups, split.test, split.validation, data["split"]["seed"])
    test = parts == "test"
    for group, counts in data["by_space_group"].items():
        if counts["test"] != (n := int((groups[test] == int(group)).sum())):
            raise ValueError(
                f"{path}: the test part has {counts['test']} crystals of space group "
                f"{group}, but {table} gives {n}."
            )
    return ids[test], groups[test].astype(np.int64)
