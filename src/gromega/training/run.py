"""One run of a training: from the parameters and the data to a model and its facts."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from gromega._util.files import sha256
from gromega.conditions import RADIATIONS
from gromega.model.io import load_model
from gromega.model.model import Model
from gromega.networks.build import make_network
from gromega.networks.weights import round_weights, to_arrays
from gromega.params import Params
from gromega.training.checkpoint import WORK, fingerprint
from gromega.training.history import Epoch, Progress, summarize
from gromega.training.inputs import LabelledPDFs, TrainingInputs
from gromega.training.loop import train_network
from gromega.training.prepare import StructureTypes, TrainingFiles
from gromega.training.recipes import Recipe
from gromega.training.warm_start import average, start_from, take_types

# The code that determines the weights. After an edit elsewhere, a stopped training
# still continues from its checkpoint.
_ROOMS = (
    "conditions.py", "defects.py", "crystals", "lake", "networks", "pdf", "training"
)  # fmt: skip


@dataclass(frozen=True)
class TrainingData:
    """The data of one training.

    The structure types are None if the classes of the network are space groups. The
    validation part is at the reference and, for a recipe with a box, at conditions from
    the whole box. The training must not have the ids of the test part. To go on from a
    released model of other structure types, its types and the training part at the
    reference are used, if they are known.
    """

    groups: NDArray[np.int64]  # of the model, (n_groups,)
    inputs: TrainingInputs
    types: StructureTypes | None
    validation: LabelledPDFs
    box: LabelledPDFs | None
    test_ids: NDArray[np.str_]
    files: TrainingFiles
    types_before: StructureTypes | None = None  # of the released model
    training_part: LabelledPDFs | None = None


@dataclass(frozen=True)
class TrainingResult:
    """The result of a training."""

    model: Model  # with rounded weights and the facts of its training
    history: list[Epoch]
    summary: dict[str, float | int]  # for metrics/train.json
    folder: Path  # of the checkpoints, to delete when the model is saved


def run_training(
    recipe: Recipe,
    params: Params,
    data: TrainingData,
    report: Callable[[Epoch | Progress], None] | None = None,
) -> TrainingResult:
    """Train a network as a recipe says, and return a model.

    A training that was stopped continues from its checkpoint in `WORK`, provided that
    recipe, parameters, data and code are the same. Of the parameters, ``train`` and
    ``reference`` count, but not the epochs if the rate does not depend on them.
    `report` is that of `train_network`.
    """
    architecture = dict(recipe.network)
    if data.types:
        architecture["n_types"] = data.types.groups.size
    network: Any = make_network(architecture, data.groups.size, params.train.seed)
    if data.types:
        network.group_of_type[...] = jnp.asarray(data.types.groups, jnp.int32)
    start: dict[str, str] | None = None
    fresh: tuple[str, ...] = ()
    if params.train.from_model:
        start, fresh = start_from(network, architecture, Path(params.train.start))
        if _take_types(network, data, Path(params.train.start)):
            fresh = tuple(name for name in fresh if not name.startswith("last."))
    own_train = params.train
    if recipe.in_parts:
        own_train = own_train.model_copy(update={"epochs": 0})
    key = fingerprint(
        recipe, own_train, params.reference, data.inputs.ids, data.inputs.y,
        data.validation.g, data.box and data.box.g, start,
        *data.files.used_by(recipe), *_sources(),
        jax.__version__, jax.default_backend(), jax.device_count(),
    )  # fmt: skip
    trained, history = train_network(
        recipe, network, data.inputs, data.validation, data.test_ids,
        params.train.epochs, params.train.seed, data.box, report, WORK / key,
    )  # fmt: skip
    own = params.reference.radiation
    both = recipe.variants and recipe.variants.other_radiation
    facts = {
        **params.train.model_dump(),
        "start": start,
        "sha256": {file.name: sha256(file) for file in data.files.used_by(recipe)},
        "radiations": [name for name in RADIATIONS if both or name == own],
    }
    if start:
        parts = [data.validation, *([data.box] if data.box else [])]
        trained, facts["start_share"] = average(network, trained, parts, fresh)
    round_weights(trained)
    n_train = data.inputs.y.size
    summary = summarize(history, trained, n_train, data.validation, data.box)
    samples = params.train.epochs * data.inputs.rows(0).size
    model = Model(
        to_arrays(trained),
        data.groups,
        architecture,
        params.reference,
        {**facts, **summary, "samples": samples},
        recipe.box,
    )
    return TrainingResult(model, history, summary, WORK / key)


def _take_types(network: Any, data: TrainingData, path: Path) -> bool:
    """Give a network the structure types of a released one; return whether it could."""
    before, part = data.types_before, data.training_part
    if not (data.types and before and part) or data.inputs.types is None:
        return False
    released = load_model(path)
    own = {key: k for k, key in enumerate(data.types.keys(data.groups))}
    keys = enumerate(before.keys(released.space_groups))
    rows = {k: own[key] for k, key in keys if key in own}
    types = data.inputs.types[: part.y.size]
    take_types(network, released.network, rows, part.g, types)
    return True


def _sources() -> list[Path]:
    """Return the files of the code that determines the weights."""
    package = Path(__file__).parents[1]
    paths = [package / name for name in _ROOMS]
    return sorted(
        file
        for path in paths
        for file in ([path] if path.is_file() else path.rglob("*"))
        if file.suffix in (".py", ".json")
    )
