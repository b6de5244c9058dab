"""The card of a released model: purpose, limits, data, training and accuracies."""

import json
from collections.abc import Mapping
from copy import deepcopy
from importlib import resources
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from gromega._util.files import read_json, sha256, write_whole
from gromega._util.templates import render_template
from gromega.conditions import QUANTITIES
from gromega.crystals.space_groups import class_number, class_symbol
from gromega.evaluation.report.cell_sizes import cell_size_table
from gromega.evaluation.report.familiarity import novelty_table
from gromega.evaluation.results import accuracy_columns
from gromega.evaluation.score import WITH_COMPOSITION
from gromega.lake.splits import benchmark_of_counts
from gromega.model.io import MODEL_FILES, hashes_of
from gromega.model.model import Model
from gromega.registry.card_texts import standard_texts
from gromega.registry.names import FORMAT_V1, card_hash, card_text
from gromega.sweeps import point_text

CARRIED = ("split.parquet", "params.yaml")
"""The split and the parameters of the training, which a released model carries."""
FORMAT = "gromega card 2"


def make_card(
    info: Mapping[str, Any],
    model: Model,
    data: Mapping[str, Any],
    metrics: Mapping[str, Any],
    lineage: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the card of a model, with zeros for the hashes of its files.

    The first argument has the values of a `gromega.registry.release.ReleaseInfo`, the
    last three are the blocks ``data``, ``metrics`` and ``lineage``. The card fits the
    schema.
    """
    # The hashes of the training data are in the block of the data.
    training = {k: v for k, v in model.training.items() if k != "sha256"}
    # Trainings that state no samples use each crystal once in every epoch.
    samples = training.get("n_train", 0) * training.get("epochs", 0)
    radiations = list(model.radiations)
    card: dict[str, Any] = {
        "format": FORMAT,
        "name": info["name"],
        "version": info["version"],
        **standard_texts(data, metrics, model.space_groups.tolist()),
        "data": data,
        "space_groups": model.space_groups.tolist(),
        "network": _network(model),
        "training": {"samples": samples, "radiations": radiations, **training},
        "lineage": lineage,
        "conditions": model.conditions.to_mapping(),
        "box": model.trained_over.to_mapping(),
        "metrics": metrics,
        **_calibrations(model, metrics),
        "hardware": info["hardware"],
        "hours": info["hours"],
        "licences": {"code": "BSD-3-Clause", "weights": "CC-BY-4.0"},
        "sha256": dict.fromkeys((*MODEL_FILES, "CARD.md", "card.json"), "0" * 64),
    }
    # As it will be read again: lists instead of tuples, and no NaN.
    card = json.loads(card_text(card))
    check_card(card, f"{info['name']} {info['version']}")
    return card


def _network(model: Model) -> dict[str, Any]:
    # JAX takes seconds to import, and a list of models does not need it.
    import jax
    from flax import nnx

    sizes = [leaf.size for leaf in jax.tree.leaves(nnx.state(model.network, nnx.Param))]
    network = {"architecture": model.architecture, "parameters": sum(sizes)}
    if found := model.neighbours:
        network["neighbours"] = {"crystals": found.y.size, **found.to_mapping()}
    return network


def _calibrations(model: Model, metrics: Mapping[str, Any]) -> dict[str, Any]:
    blocks: dict[str, Any] = {"calibration": None}
    for suffix, calibration, scores in (
        ("", model.calibration, "reference"),
        (f"_{WITH_COMPOSITION}", model.calibration_with_composition, WITH_COMPOSITION),
    ):
        if calibration:
            ece = metrics.get(scores, {}).get("ece")
            blocks["calibration" + suffix] = {**calibration.to_mapping(), "ece": ece}
    return blocks


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Write CARD.md and card.json to the folder of a model.

    card.json holds the hashes of the other files and, last, the hash of its own text
    without this last hash.
    """
    carried = [name for name in CARRIED if (folder / name).is_file()]
    hashes = hashes_of(folder) | {name: sha256(folder / name) for name in carried}
    write_whole(folder / "CARD.md", render({**card, "sha256": hashes}))
    hashes["CARD.md"] = sha256(folder / "CARD.md")
    hashes["card.json"] = card_hash({**card, "sha256": hashes})
    write_whole(folder / "card.json", card_text({**card, "sha256": hashes}))


def read_card(folder: Path) -> dict[str, Any]:
    """Return the card of a released model.

    Raises FileNotFoundError if there is no card, and ValueError if it does not fit the
    schema, or was changed after the release.
    """
    path = folder / "card.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: there is no card; make one with 'gromega models release'."
        )
    try:
        released = read_json(path)
        # Raises for NaN, which JSON does not allow but Python reads.
        card_text(released)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not a card ({error}).") from None
    card: dict[str, Any] = upgrade_from_v1(released)
    check_card(card, str(path))
    if released["format"] != FORMAT:
        card |= standard_texts(card["data"], card["metrics"], card["space_groups"])
    if released["sha256"]["card.json"] != card_hash(released):
        raise ValueError(
            f"{path}: the card was changed after the release; remove {folder}, and "
            "pull or release it again."
        )
    return card


def check_same_files(
    model: Path, hashes: Mapping[str, str], files: Mapping[str, Path], remedy: str
) -> None:
    """Check that a model was trained with these files, by the hashes of their names.

    The files are by what they are, such as ``split``. If the model was trained with
    another one, its training crystals may include test crystals: ValueError, which ends
    with the remedy.
    """
    for what, file in files.items():
        if sha256(file) != hashes[file.name]:
            raise ValueError(
                f"{model} was trained with another {what} than {file}, so its training "
                f"crystals may include test crystals; {remedy}."
            )


def check_card(card: object, origin: str) -> None:
    """Raise ValueError unless a card, whose origin the error names, fits the schema."""
    schema = resources.files("gromega.registry") / "card.schema.json"
    validator = Draft202012Validator(json.loads(schema.read_text("utf-8")))
    error = best_match(validator.iter_errors(card))
    if error:
        reason = error.message
        if len(reason) > 200:
            reason = f"{reason[:90]} … {reason[-90:]}"
        raise ValueError(f"{origin}: not a card ({error.json_path}: {reason}).")


def upgrade_from_v1(card: Any) -> Any:
    """Return a card of the first format with the keys of the second one."""
    # The schema says what is wrong with anything else.
    if not isinstance(card, dict) or card.get("format") != FORMAT_V1:
        return card
    card = deepcopy(card)
    for *parents, old, new in (
        ("data", "crystals", "extra", "augmentation"),
        ("data", "sha256", "extra.parquet", "augmentation.parquet"),
        ("network", "memory", "neighbours"),
    ):
        node = card
        for key in parents:
            node = node.get(key) if isinstance(node, dict) else None
        if isinstance(node, dict) and old in node:
            node[new] = node.pop(old)
    training = card.get("training")
    if isinstance(training, dict) and isinstance(training.get("start"), str):
        # It was the path of a folder.
        training["start"] = Path(training["start"]).name
    return {**card, "format": FORMAT}


def render(card: Mapping[str, Any]) -> str:
    """Return the card as Markdown, the content of CARD.md."""
    sweeps = []
    for axis, scores in card["metrics"]["sweeps"].items():
        headings, cells = accuracy_columns(scores)
        rows = [[point_text(axis, value), *row] for value, row in cells.items()]
        sweeps.append(([axis, *headings], rows))
    box = [
        [name, *map(QUANTITIES[name].with_unit, ends)]
        for name, ends in card["box"].items()
    ]
    groups = [
        [class_number(n), class_symbol(n), *(f"{k:,}" for k in counts.values())]
        for n, counts in (
            (int(group), of_parts)
            for group, of_parts in card["data"]["by_space_group"].items()
        )
    ]
    return render_template(
        "gromega.registry",
        "CARD.md.j2",
        card=card,
        benchmark=benchmark_of_counts(card["data"]["by_space_group"]),
        conditions=", ".join(
            f"{name} {QUANTITIES[name].with_unit(value)}"
            for name, value in card["conditions"].items()
        ),
        sweeps=sweeps,
        novelty=[
            (f"{name}, {word.replace('_', ' ')}", *novelty_table(cases))
            for name, scores in card["metrics"].get("novelty", {}).items()
            for word, cases in scores.items()
        ],
        cell_sizes=[
            (name, *cell_size_table(scores))
            for name, scores in card["metrics"].get("cell_sizes", {}).items()
        ],
        box=(["condition", "from", "to"], box),
        groups=(["space group", "symbol", "train", "validation", "test"], groups),
    )
