"""What dvc.yaml runs: each stage reads params.yaml, calls, and writes its outs."""

import math
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, closing
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gromega import splits
from gromega.conditions import RADIATIONS, Box
from gromega.crystals import synthetic
from gromega.crystals.collection import complete, summarise, with_source
from gromega.crystals.crystal import Crystal
from gromega.crystals.gather import gather
from gromega.crystals.quarantine import new_quarantine
from gromega.crystals.table import (
    choose,
    crystals_of,
    new_table,
    read_table,
    row_batches,
    rows_of,
    to_table,
)
from gromega.crystals.variants import with_symmetry
from gromega.evaluation import accuracy, baselines, figures
from gromega.evaluation.answers import answer, read_answers
from gromega.evaluation.compare import answers_of, comparison
from gromega.evaluation.document import write_document
from gromega.evaluation.draws import draw_rows, draw_scores, read_draws, write_draws
from gromega.evaluation.report import Tested, make_report
from gromega.files import put_in_place
from gromega.lake import (
    open_store,
    read_pdfs,
    read_spectra,
    seen_spectra,
    write_pdfs,
    write_spectra,
)
from gromega.models import calibration, inference, memory
from gromega.models import train as training
from gromega.models.checkpoint import WORK, fingerprint
from gromega.models.devices import is_first, join, keep_memory
from gromega.models.feeds import Feed, FixedFeed, Part, VariantFeed
from gromega.models.held_out import MOST, HeldOut, hold_out
from gromega.models.model import Model, load_model, save_model
from gromega.models.recipes import Recipe, get_recipe, make_network
from gromega.models.start import start_from
from gromega.models.type_classes import type_classes
from gromega.models.weights import round_weights
from gromega.parallel import ADDRESS, open_pool, open_processes, ordered_map
from gromega.params import Params, read_params
from gromega.pdf.bins import DMAX
from gromega.pdf.library import make_library, write_library
from gromega.pdf.operator import reach
from gromega.pdf.random_conditions import at_random
from gromega.pdf.scattering import without_length
from gromega.plotting import save_figure
from gromega.terminal import console, progress_bar, run_or_explain, training_bar

DATA, METRICS = Path("data"), Path("metrics")
CRYSTALS, SPLIT = DATA / "crystals.parquet", DATA / "split.parquet"
QUARANTINE = DATA / "quarantine.csv"
SPECTRA, REFERENCE = DATA / "spectra.zarr", DATA / "reference.zarr"
LIBRARY = DATA / "library.parquet"
SWEEPS, ANSWERS, DRAWS = DATA / "sweeps", DATA / "answers", DATA / "draws.parquet"
REPORT = METRICS / "report"
TRAINED, MODEL = Path("models/trained"), Path("models/current")
# Crystals to train on beside the data set.
EXTRA = DATA / "extra.parquet"
# Each crystal of the validation part is seen once a seed, at other conditions, where
# probabilities are calibrated.
CALIBRATION_SEEDS = (1, 2, 3, 4)
# The first of those by which crystals are remembered.
MEMORY_SEED = 101
# Of the draw of test crystals that a model carries.
HELD_OUT_SEED = 0
# Of extra synthetic crystals; those of the data set have the seed of their recipe.
EXTRA_SEED = 1_000_003


def crystals(params: Params) -> None:
    """Make data/crystals.parquet from `crystals.source`, and what says how.

    Collections are examined on a cluster if `DASK_SCHEDULER_ADDRESS` names one.
    """
    path = Path(params.crystals.source)
    if not path.exists():
        raise FileNotFoundError(
            f"crystals.source: {path} does not exist; give a folder or an archive of "
            "CIF files, a table of crystals (.parquet), or a recipe for synthetic ones "
            "(.yaml)."
        )
    gathered, gathering = DATA / "gathered.parquet", {}
    try:
        if path.suffix == ".yaml":
            recipe = synthetic.Recipe.from_yaml(path)
            with (
                progress_bar("crystals", recipe.size) as advance,
                open_processes() as pool,
            ):
                synthetic.write_synthetic(gathered, recipe, pool, advance)
        elif path.suffix == ".parquet":
            gathered = path
        else:
            tally = gather([path], gathered, QUARANTINE, os.environ.get(ADDRESS))
            gathering = tally.summary()
        if not gathering:
            with new_quarantine(QUARANTINE):
                # Nothing was refused.
                pass
        keep, more = _choose(gathered, params)
        _write_all(CRYSTALS, _kept(gathered, keep, path.name))
        extra = [_kept(gathered, more, path.name)]
        if params.crystals.synthetic:
            extra.append(_synthetic(params))
        _write_all(EXTRA, chain.from_iterable(extra))
    finally:
        if gathered != path:
            gathered.unlink(missing_ok=True)
    summary = summarise(CRYSTALS)
    if gathering:
        summary["ingest"] = gathering
    accuracy.write_json(METRICS / "crystals.json", summary)
    console.print(
        f"{summary['crystals']} crystals of {summary['structure_types']} structure "
        f"types in {summary['space_groups']} space groups"
    )


def _choose(path: Path, params: Params) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which rows of a table make up the data set, and which are extra.

    Extra, where params.yaml asks for them, are the crystals of the same space groups
    that are known from theory alone.
    """
    unseen = without_length(params.reference.radiation)
    visible = np.array(
        [
            unseen.isdisjoint(atoms)
            for batch in row_batches(path, ["numbers"])
            for atoms in batch["numbers"].to_pylist()
        ],
        dtype=bool,
    )
    if not visible.all():
        console.print(
            f"left out {(~visible).sum()} crystals with elements that have no "
            f"{params.reference.radiation} scattering length"
        )
    labels = read_table(path, ["id", "space_group", "space_group_loose", "observed"])
    chosen = choose(
        labels.filter(pa.array(visible)),
        params.crystals.groups,
        params.crystals.observed,
    )
    keep = visible.copy()
    keep[visible] = chosen
    groups = np.asarray(labels["space_group"])
    sure = groups == np.asarray(labels["space_group_loose"])
    more = visible & ~keep & sure & np.isin(groups, np.unique(groups[keep]))
    if not params.crystals.theoretical:
        more[:] = False
    return keep, more


def _kept(path: Path, keep: NDArray[np.bool_], source: str) -> Iterator[pa.Table]:
    """Yield the rows to keep of a table, with their structure types."""

    def batches() -> Iterator[pa.Table]:
        start = 0
        for table in row_batches(path, rows=256):
            chosen = pa.array(keep[start : start + table.num_rows])
            start += table.num_rows
            yield table.filter(chosen)

    with ExitStack() as stack:
        pool: Executor | None = None
        if keep.sum() > 256:
            pool = stack.enter_context(open_processes())
        made = (
            ordered_map(pool, complete, batches()) if pool else map(complete, batches())
        )
        with progress_bar("structure types", int(keep.sum())) as advance:
            for table in made:
                yield with_source(table, source)
                advance(table.num_rows)


def _synthetic(params: Params) -> Iterator[pa.Table]:
    """Yield synthetic crystals of the groups of the data set, to train on beside it."""
    groups = np.unique(np.asarray(read_table(CRYSTALS, ["space_group"])["space_group"]))
    count = params.crystals.synthetic
    recipe = synthetic.Recipe(tuple(groups.tolist()), count, EXTRA_SEED)
    with (
        progress_bar("synthetic crystals", recipe.size) as advance,
        open_processes() as pool,
    ):
        for made in synthetic.synthesize(recipe, pool):
            crystals, numbers = zip(*made, strict=True)
            table = to_table(crystals, numbers, source="synthetic")
            # The data set may be synthetic itself.
            names = pa.array([f"extra-{crystal.id}" for crystal in crystals])
            yield complete(table.set_column(0, "id", names))
            advance(len(made))


def _write_all(out: Path, tables: Iterable[pa.Table]) -> None:
    with new_table(out) as write:
        for table in tables:
            write(table)


def split(params: Params) -> None:
    """Make data/split.parquet."""
    scheme = params.split.scheme
    if scheme not in splits.SCHEMES:
        raise ValueError(
            f"there is no split scheme {scheme!r}; the schemes are "
            f"{', '.join(splits.SCHEMES)}."
        )
    table = read_table(CRYSTALS, ["id", "formula", "structure_type", "space_group"])
    ids, groups = table["id"].to_pylist(), np.asarray(table["space_group"])
    kinds = table[splits.SCHEMES[scheme]].to_pylist()
    # What has no structure type is like nothing else.
    keys = [kind or name for kind, name in zip(kinds, ids, strict=True)]
    parts = splits.draw_split(
        keys, groups, params.split.test, params.split.validation, params.split.seed
    )
    splits.write_split(SPLIT, ids, groups, parts, scheme, params.split.seed)
    counts = [f"{np.count_nonzero(parts == part)} {part}" for part in splits.PARTS]
    console.print(", ".join(counts))


def spectra(params: Params) -> None:
    """Make data/spectra.zarr, on a cluster if `DASK_SCHEDULER_ADDRESS` names one."""
    n = read_table(CRYSTALS, ["id"]).num_rows
    with (
        progress_bar("pair spectra", n) as advance,
        open_pool(os.environ.get(ADDRESS)) as pool,
    ):
        radiation, dmax = params.reference.radiation, params.spectra.dmax
        write_spectra(SPECTRA, CRYSTALS, radiation, dmax, pool, advance)


def _by_radiation(
    crystals: Sequence[Crystal],
) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float32]]]:
    """Return number densities and, for each radiation, pair spectra up to `DMAX`."""
    density = np.array([crystal.density for crystal in crystals])
    return density, {name: seen_spectra(crystals, name, DMAX)[1] for name in RADIATIONS}


def library(params: Params) -> None:
    """Make data/library.parquet, of the training part."""
    ids, labels = splits.read_part(SPLIT, "train")
    table = rows_of(read_table(CRYSTALS), ids)
    density, spectra = _by_radiation(crystals_of(table))
    formulas = table["formula"].to_pylist()
    write_library(LIBRARY, make_library(ids, formulas, labels, density, spectra))


def simulate(params: Params) -> None:
    """Make data/reference.zarr."""
    with progress_bar("PDFs", open_store(SPECTRA).sizes["crystal"]) as advance:
        write_pdfs(REFERENCE, SPECTRA, [params.reference], progress=advance)


def _part(name: str, groups: NDArray[np.int64]) -> Part:
    ids, labels = splits.read_part(SPLIT, name)
    g = read_pdfs(REFERENCE, ids)
    return Part(ids, g, np.searchsorted(groups, labels))


def _box_part(part: Part, box: Box, seeds: Sequence[int]) -> Part:
    """Return a part of the split at conditions from all over a box, once a seed."""
    spectra, density = read_spectra(SPECTRA, part.ids)
    parts = [at_random(spectra, density, box, seed) for seed in seeds]
    n = len(parts)
    return Part(np.tile(part.ids, n), np.concatenate(parts), np.tile(part.y, n))


def _variant_feed(
    recipe: Recipe, params: Params, groups: NDArray[np.int64]
) -> tuple[VariantFeed, NDArray[np.int64] | None]:
    """Return the feed of variants of the training part, and of extra crystals.

    With it comes the space group of each structure type, where these are classes.
    """
    assert recipe.variants is not None
    longest = max(DMAX if recipe.box else 0.0, reach(params.reference))
    if longest > min(DMAX, params.spectra.dmax):
        raise ValueError(
            f"the recipe {params.train.recipe} depends on distances up to "
            f"{longest:.2f} Å, but pair spectra of variants end at {DMAX:g} and those "
            f"of the lake at {params.spectra.dmax:g} Å; lower reference.rmax, or raise "
            "spectra.dmax."
        )
    ids, labels = splits.read_part(SPLIT, "train")
    table = rows_of(read_table(CRYSTALS), ids)
    crystals, names = crystals_of(table), table["structure_type"].to_pylist()
    own = len(names)
    if recipe.extra:
        kept = splits.unrelated(SPLIT, CRYSTALS, EXTRA)
        more = read_table(EXTRA).filter(pa.array(kept, pa.bool_()))
        crystals += crystals_of(more)
        names += more["structure_type"].to_pylist()
        ids = np.concatenate([ids, np.array(more["id"].to_pylist(), dtype=str)])
        labels = np.concatenate([labels, np.asarray(more["space_group"], np.int64)])
    made = with_symmetry(crystals, WORK)
    box = recipe.box or Box.around(params.reference)
    y = np.searchsorted(groups, labels)
    types, group_of_type = type_classes(names, y, own) if recipe.types else (None, None)
    feed = VariantFeed(
        ids, made, y, box, recipe.variants, params.train.seed,
        radiation=params.reference.radiation, types=types, extra=len(names) - own,
        stretch=recipe.stretch,
    )  # fmt: skip
    return feed, group_of_type


def train(params: Params) -> None:
    """Make models/trained, metrics/training.csv and metrics/train.json.

    A training that was killed goes on where it was. Of several processes that train
    together, the first one writes.
    """
    keep_memory()
    join()
    recipe = get_recipe(params.train.recipe)
    recipe = replace(recipe, learning_rate=params.train.rate * recipe.learning_rate)
    groups = np.unique(splits.read_part(SPLIT, "train")[1])
    validation = _part("validation", groups)
    held_out, _ = splits.read_part(SPLIT, "test")
    feed: Feed
    group_of_type = None
    if recipe.variants:
        feed, group_of_type = _variant_feed(recipe, params, groups)
    else:
        feed = FixedFeed(_part("train", groups), recipe.stretch)
    architecture = dict(recipe.network)
    if group_of_type is not None:
        architecture["n_types"] = group_of_type.size
    network: Any = make_network(architecture, groups.size, params.train.seed)
    if group_of_type is not None:
        network.group_of_type[...] = jnp.asarray(group_of_type, jnp.int32)
    start = params.train.start
    started = start_from(network, Path(start), SPLIT) if start else ""
    box = _box_part(validation, recipe.box, [0]) if recipe.box else None
    key = fingerprint(
        recipe, params.train, params.reference, feed.ids, feed.y, validation.g,
        started, CRYSTALS, EXTRA, *sorted(Path(__file__).parent.rglob("*.py")),
        jax.__version__, jax.default_backend(), jax.device_count(),
    )  # fmt: skip
    folder = WORK / key
    METRICS.mkdir(exist_ok=True)
    with closing(feed), training_bar(params.train.epochs) as show:
        network, history = training.fit(
            recipe, network, feed, validation, held_out, params.train.epochs,
            params.train.seed, box, show, folder,
        )  # fmt: skip
    if not is_first():
        return
    summary = training.summary(history, feed.y.size, validation)
    round_weights(network)
    samples = params.train.epochs * feed.rows(0).size
    facts = {**asdict(params.train), **summary, "samples": samples}
    model = Model(network, groups, architecture, params.reference, facts, recipe.box)
    save_model(TRAINED, model)
    training.write_history(METRICS / "training.csv", history)
    accuracy.write_json(METRICS / "train.json", summary)
    shutil.rmtree(folder, ignore_errors=True)


def calibrate(params: Params) -> None:
    """Make models/current: the trained network, its memory, and its calibration."""
    model = load_model(TRAINED)
    recipe = get_recipe(params.train.recipe)
    validation = _part("validation", model.space_groups)
    if recipe.memory:
        model = _remembering(model, recipe.memory, validation)
    where, seen = "the reference", validation
    if model.box:
        # Other draws than those that chose the epoch and the weight of the memory.
        where = f"{len(CALIBRATION_SEEDS)} conditions of the box each"
        seen = _box_part(validation, model.box, CALIBRATION_SEEDS)
    fitted_on = f"{validation.y.size} validation crystals at {where}"
    found = calibration.fit(model.uncalibrated(seen.g), seen.y, fitted_on)
    save_model(MODEL, replace(model, calibration=found, held_out=_held_out(model)))


def _held_out(model: Model) -> HeldOut:
    """Return crystals of the test part for a model to carry, drawn at random."""
    ids, labels = splits.read_part(SPLIT, "test")
    random = np.random.default_rng(HELD_OUT_SEED)
    rows = np.sort(random.permutation(ids.size)[:MOST])
    found = crystals_of(rows_of(read_table(CRYSTALS), ids[rows]))
    density, spectra = _by_radiation(found)
    y = accuracy.classes(model.space_groups, labels[rows])
    return hold_out(ids[rows], y, density, spectra)


def _remembering(model: Model, conditions: int, validation: Part) -> Model:
    """Return a model that remembers the crystals of the training part."""
    part = _part("train", model.space_groups)
    table = read_table(CRYSTALS, ["id", "formula"]).to_pylist()
    formula = {row["id"]: row["formula"] for row in table}
    seen = [part.g]
    if model.box:
        draws = range(MEMORY_SEED, MEMORY_SEED + conditions - 1)
        seen += [_box_part(part, model.box, [seed]).g for seed in draws]
    with progress_bar("conditions", len(seen)) as advance:
        embeddings = []
        for g in seen:
            embeddings.append(inference.embed(model.network, g))
            advance(1)
    names = [f"{name} {formula[name]}" for name in part.ids]
    known = memory.remember(embeddings, part.y, names, model.space_groups.size)
    choosing = _box_part(validation, model.box, [0]) if model.box else validation
    embedded = inference.embed(model.network, choosing.g)
    log_p = inference.rank_embedded(model.network, embedded)
    return replace(model, memory=memory.fit(known, log_p, embedded, choosing.y))


def evaluate(params: Params) -> None:
    """Make data/answers/reference.zarr and metrics/reference.json, of the test part."""
    ids, labels = splits.read_part(SPLIT, "test")
    found = answer(load_model(MODEL), REFERENCE, ids, ANSWERS / "reference.zarr")
    scores = accuracy.scores(found, labels)
    accuracy.write_json(METRICS / "reference.json", scores[""])


def simulate_sweep(params: Params) -> None:
    """Make data/sweeps/<sweep>.zarr of the test part, one per axis or map."""
    sweeps = params.sweep.sweeps()
    ids, _ = splits.read_part(SPLIT, "test")
    shutil.rmtree(SWEEPS, ignore_errors=True)
    SWEEPS.mkdir(parents=True)
    total = ids.size * sum(math.prod(sweep.shape) for sweep in sweeps)
    with progress_bar("PDFs", total) as advance:
        for sweep in sweeps:
            omegas = sweep.conditions(params.reference)
            path = SWEEPS / f"{sweep.name}.zarr"
            write_pdfs(path, SPECTRA, omegas, sweep, ids, CRYSTALS, advance)


def evaluate_sweep(params: Params) -> None:
    """Make data/answers/sweeps, data/draws.parquet and metrics/sweeps/<sweep>.json."""
    model = load_model(MODEL)
    ids, labels = splits.read_part(SPLIT, "test")
    y = accuracy.classes(model.space_groups, labels)
    folder = ANSWERS / "sweeps"
    for made in (METRICS / "sweeps", folder):
        shutil.rmtree(made, ignore_errors=True)
    folder.mkdir(parents=True)
    rows = draw_rows(ids.size)
    drawn = {}
    sweeps = params.sweep.sweeps()
    with progress_bar("sweeps", len(sweeps)) as advance:
        for sweep in sweeps:
            name = f"{sweep.name}.zarr"
            found = answer(model, SWEEPS / name, ids, folder / name)
            scores = accuracy.scores(found, labels)
            accuracy.write_json(METRICS / "sweeps" / f"{sweep.name}.json", scores)
            for key, log_p, seen in found.points():
                ranks = inference.ranks(log_p, y)
                drawn[sweep.name, key] = draw_scores(ranks, seen, rows)
            advance(1)
    write_draws(DRAWS, drawn)


def draw(params: Params) -> None:
    """Make metrics/figures: crystals, and one figure per sweep, as .svg and .png."""
    model = load_model(MODEL)
    shutil.rmtree(METRICS / "figures", ignore_errors=True)
    summary = accuracy.read_json(METRICS / "crystals.json")
    save_figure(figures.crystals_figure(summary), METRICS / "figures/crystals")
    drawn = read_draws(DRAWS)
    for sweep in params.sweep.sweeps():
        scores = accuracy.read_json(METRICS / "sweeps" / f"{sweep.name}.json")
        n = next(iter(scores.values()))["n"]
        caption = (
            f"recipe {model.training['recipe']}, {model.space_groups.size} groups, "
            f"{model.training['n_train']:,} training and {n:,} test crystals"
        )
        if len(sweep.axes) == 1:
            boxes = {key: drawn[sweep.name, key] for key in scores}
            figure = figures.sweep_figure(
                sweep.axes[0], scores, model.trained_over, caption, boxes
            )
        else:
            figure = figures.map_figure(sweep, scores, caption)
        save_figure(figure, METRICS / "figures" / sweep.name)


def report(params: Params, compare: Sequence[str] = ()) -> None:
    """Make metrics/report: index.html, report.md, its figures, tables as LaTeX.

    Parameters
    ----------
    params
        The parameters.
    compare
        Other runs to compare with: git revisions, or folders of other pipelines.
    """
    model = load_model(MODEL)
    n_groups = model.space_groups.size
    ids, labels = splits.read_part(SPLIT, "test")
    train, test = _part("train", model.space_groups), _part("test", model.space_groups)
    simple = {
        "nearest neighbours of G(r)": baselines.nearest_neighbours,
        "logistic regression on G(r)": baselines.logistic_regression,
    }
    found = {
        name: method(train.g, train.y, test.g, n_groups)
        for name, method in simple.items()
    }
    answers = {"reference": read_answers(ANSWERS / "reference.zarr")}
    for sweep in params.sweep.sweeps():
        path = ANSWERS / "sweeps" / f"{sweep.name}.zarr"
        answers[sweep.name] = read_answers(path)
    others = []
    for where in compare:
        with answers_of(where) as theirs:
            others.append(comparison(answers, theirs, labels, where))
    made = make_report(
        model, _tested(params, ids, labels, train), answers, read_draws(DRAWS), found,
        others,
    )  # fmt: skip
    partial = REPORT.with_name("report.partial")
    shutil.rmtree(partial, ignore_errors=True)
    write_document(partial, made)
    put_in_place(partial, REPORT)


def _tested(
    params: Params, ids: NDArray[np.str_], labels: NDArray[np.int64], train: Part
) -> Tested:
    """Return what the report says of the crystals of the test part."""
    columns = ["id", "numbers", "structure_type"]
    rows = {row["id"]: row for row in read_table(CRYSTALS, columns).to_pylist()}
    counts = Counter(rows[name]["structure_type"] for name in train.ids)
    tested = [rows[name] for name in ids]
    return Tested(
        labels,
        np.array([len(row["numbers"]) for row in tested]),
        np.array([counts[row["structure_type"]] for row in tested]),
        np.bincount(train.y),
        params.split.scheme,
        Path(params.crystals.source).name,
    )


STAGES: dict[str, Callable[[Params], None]] = {
    "crystals": crystals,
    "split": split,
    "spectra": spectra,
    "library": library,
    "simulate": simulate,
    "train": train,
    "calibrate": calibrate,
    "evaluate": evaluate,
    "simulate-sweep": simulate_sweep,
    "evaluate-sweep": evaluate_sweep,
    "figures": draw,
    "report": report,
}


def main(arguments: list[str]) -> None:
    """Run the stage that the one argument names."""
    if len(arguments) != 1 or arguments[0] not in STAGES:
        raise ValueError(f"give one stage of {', '.join(STAGES)}, got {arguments}.")
    STAGES[arguments[0]](read_params())


if __name__ == "__main__":
    run_or_explain(lambda: main(sys.argv[1:]))
