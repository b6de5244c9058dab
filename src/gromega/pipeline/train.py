"""Stage: the network is trained."""

import shutil
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gromega._util.files import sha256, write_json
from gromega._util.parallel import keep_memory
from gromega._util.progress import training_bar
from gromega.conditions import RADIATIONS, Box
from gromega.crystals.generate.variants import with_symmetry
from gromega.crystals.table import crystals_of, read_table, rows_of
from gromega.lake.splits import read_part, unrelated
from gromega.model.io import save_model
from gromega.model.model import Model
from gromega.networks.build import make_network
from gromega.networks.logits import classes
from gromega.networks.weights import round_weights, to_arrays
from gromega.params import Params
from gromega.pdf.bins import DMAX
from gromega.pdf.operator import reach
from gromega.pipeline.parts import box_part, part_of
from gromega.pipeline.paths import AUGMENTATION, CRYSTALS, METRICS, SPLIT, TRAINED
from gromega.registry.card import check_trained_with
from gromega.training import loop as training
from gromega.training.checkpoint import WORK, fingerprint
from gromega.training.devices import is_first, join
from gromega.training.inputs import FixedInputs, TrainingInputs, VariantInputs
from gromega.training.recipes import Recipe, get_recipe
from gromega.training.type_classes import type_classes
from gromega.training.warm_start import average, start_from

SOURCE = Path(__file__).parents[1]


def _variant_feed(
    recipe: Recipe, params: Params, groups: NDArray[np.int64]
) -> tuple[VariantInputs, NDArray[np.int64] | None]:
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
    ids, labels = read_part(SPLIT, "train")
    table = rows_of(read_table(CRYSTALS), ids)
    crystals, names = crystals_of(table), table["structure_type"].to_pylist()
    own = len(names)
    if recipe.extra:
        kept = unrelated(SPLIT, CRYSTALS, AUGMENTATION)
        more = read_table(AUGMENTATION).filter(pa.array(kept, pa.bool_()))
        crystals += crystals_of(more)
        names += more["structure_type"].to_pylist()
        ids = np.concatenate([ids, np.array(more["id"].to_pylist(), dtype=str)])
        labels = np.concatenate([labels, np.asarray(more["space_group"], np.int64)])
    made = with_symmetry(crystals, WORK)
    box = recipe.box or Box.around(params.reference)
    y = classes(groups, labels)
    types, group_of_type = type_classes(names, y, own) if recipe.types else (None, None)
    feed = VariantInputs(
        ids, made, y, box, recipe.variants, params.train.seed,
        radiation=params.reference.radiation, types=types, extra=len(names) - own,
        stretch=recipe.stretch, usual=params.reference, epochs=params.train.epochs,
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
    groups = np.unique(read_part(SPLIT, "train")[1])
    validation = part_of("validation", groups)
    test_crystals, _ = read_part(SPLIT, "test")
    feed: TrainingInputs
    group_of_type = None
    if recipe.variants:
        feed, group_of_type = _variant_feed(recipe, params, groups)
    else:
        feed = FixedInputs(part_of("train", groups), recipe.stretch)
    architecture = dict(recipe.network)
    if group_of_type is not None:
        architecture["n_types"] = group_of_type.size
    network: Any = make_network(architecture, groups.size, params.train.seed)
    if group_of_type is not None:
        network.group_of_type[...] = jnp.asarray(group_of_type, jnp.int32)
    start = params.train.start
    started = ""
    if start:
        check_trained_with(Path(start), {"split": SPLIT, "table": CRYSTALS})
        started = start_from(network, Path(start))
    box = box_part(validation, recipe.box, [0]) if recipe.box else None
    sources = sorted(p for p in SOURCE.rglob("*") if p.suffix in (".py", ".json"))
    key = fingerprint(
        recipe, params.train, params.reference, feed.ids, feed.y, validation.g,
        started, CRYSTALS, AUGMENTATION, *sources,
        jax.__version__, jax.default_backend(), jax.device_count(),
    )  # fmt: skip
    folder = WORK / key
    with closing(feed), training_bar(params.train.epochs) as show:
        trained, history = training.train_network(
            recipe, network, feed, validation, test_crystals, params.train.epochs,
            params.train.seed, box, show, folder,
        )  # fmt: skip
    if not is_first():
        return
    facts: dict[str, Any] = asdict(params.train)
    usual = params.reference.radiation
    mixed = recipe.variants and recipe.variants.other_radiation
    learned_from = [CRYSTALS, SPLIT, *([AUGMENTATION] if recipe.extra else [])]
    facts["sha256"] = {file.name: sha256(file) for file in learned_from}
    facts["radiations"] = [name for name in RADIATIONS if mixed or name == usual]
    if start:
        parts = [validation, box] if box else [validation]
        trained, facts["start_share"] = average(network, trained, parts)
        facts["start_sha256"] = started
    round_weights(trained)
    summary = training.summary(history, trained, feed.y.size, validation, box)
    facts |= {**summary, "samples": params.train.epochs * feed.rows(0).size}
    model = Model(
        to_arrays(trained), groups, architecture, params.reference, facts, recipe.box
    )
    save_model(TRAINED, model)
    training.write_history(METRICS / "training.csv", history)
    write_json(METRICS / "train.json", summary)
    shutil.rmtree(folder, ignore_errors=True)
