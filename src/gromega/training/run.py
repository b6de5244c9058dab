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
from gromega.model.model import Model
from gromega.networks.build import make_network
from gromega.networks.weights import round_weights, to_arrays
from gromega.params import Params
from gromega.training.checkpoint import WORK, fingerprint
from gromega.training.history import Epoch, Progress, summarize
from gromega.training.inputs import LabelledPDFs, TrainingInputs
from gromega.training.loop import train_network
from gromega.training.prepare import TrainingFiles
from gromega.training.recipes import Recipe
from gromega.training.warm_start import average, start_from

# The code that determines the weights. After an edit elsewhere, a stopped training
# still continues from its checkpoint.
_ROOMS = (
    "conditions.py", "defects.py", "crystals", "lake", "networks", "pdf", "training"
)  # fmt: skip


@dataclass(frozen=True)
class TrainingData:
    """The data of one training.

    The space group of each structure type is an index into `groups`; `group_of_type` is
    None if the classes of the network are space groups. The validation part is at the
    reference and, for a recipe with a box, at conditions from the whole box. The
    training must not have the ids of the test part.
    """

    groups: NDArray[np.int64]  # of the model, (n_groups,)
    inputs: TrainingInputs
    group_of_type: NDArray[np.int64] | None  # (n_types,)
    validation: LabelledPDFs
    box: LabelledPDFs | None
    test_ids: NDArray[np.str_]
    files: TrainingFiles


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
    ``reference`` count; `report` is that of `train_network`.
    """
    architecture = dict(recipe.network)
    if data.group_of_type is not None:
        architecture["n_types"] = data.group_of_type.size
    network: Any = make_network(architecture, data.groups.size, params.train.seed)
    if data.group_of_type is not None:
        network.group_of_type[...] = jnp.asarray(data.group_of_type, jnp.int32)
    start: dict[str, str] | None = None
    fresh: tuple[str, ...] = ()
    if params.train.from_model:
        start, fresh = start_from(network, Path(params.train.start))
    key = fingerprint(
        recipe, params.train, params.reference, data.inputs.ids, data.inputs.y,
        data.validation.g, data.box and data.box.g, start,
        data.files.crystals, data.files.augmentation, *_sources(),
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
