"""The card of a released model: what it is, learned from, scores, and is good for."""

import hashlib
import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from gromega._util.files import sha256, write_whole
from gromega.conditions import QUANTITIES
from gromega.model.io import MODEL_FILES, hashes_of
from gromega.model.model import Model
from gromega.registry.card_markdown import render

FORMAT = "gromega card 1"
TASK = "Rank the space groups that a material may have, given its PDF G(r)."
INTENDED_USE = (
    "To narrow down the space groups of a crystalline material before a structure is "
    "refined, from one PDF measured or simulated with the radiation below.",
    "To study how answers depend on the conditions of an experiment, in research and "
    "teaching.",
)
LIMITS = (
    "A material of any other space group is given one of these all the same. How "
    "likely that is depends on how common such materials are where it is from.",
    "The PDF must be that of one crystalline phase: no mixture, glass or liquid, no "
    "differential PDF.",
    "All accuracies are those of simulated G(r), where all atoms have one Uiso. "
    "Measured ones have errors that no simulation has: expect less.",
    "Outside of the box of validity nothing was learned. Sets of groups cover what "
    "they promise for PDFs like those that the calibration was fitted on.",
    "A composition that is wrong makes answers worse, and so does the right one of a "
    "new structure type.",
    "An answer is a hint, not a proof: confirm it by a refinement or by diffraction.",
)
SEEN_BEFORE = (
    "The split is random: many test crystals have isostructural relatives among those "
    "trained on. Expect less for a new structure type."
)


def make_card(
    stated: Mapping[str, Any],
    model: Model,
    data: Mapping[str, Any],
    metrics: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the card of a model; the hashes of its files are still to come.

    Parameters
    ----------
    stated
        The name, version, hardware and hours, as the one who releases states them.
    model
        The trained model.
    data
        The crystals that it was trained on: the block ``data`` of the card.
    metrics
        The scores at the ``reference`` and along the ``sweeps``.

    Raises
    ------
    ValueError
        If what is given does not make a card that fits the schema.
    """
    # Seconds to import, which a list of models does without.
    import jax
    from flax import nnx

    # Those of what it was trained on are in the block of the data.
    training = {k: v for k, v in model.training.items() if k != "sha256"}
    # Each crystal once in every epoch, where the training does not count for itself.
    seen = training.get("n_train", 0) * training.get("epochs", 0)
    calibrations: dict[str, Any] = {"calibration": None}
    for key, fitted, where in (
        ("calibration", model.calibration, "reference"),
        (
            "calibration_with_composition",
            model.calibration_with_composition,
            "with_composition",
        ),
    ):
        if fitted:
            ece = metrics.get(where, {}).get("ece")
            calibrations[key] = {**fitted.to_mapping(), "ece": ece}
    sizes = [leaf.size for leaf in jax.tree.leaves(nnx.state(model.network, nnx.Param))]
    network: dict[str, Any] = {
        "architecture": model.architecture, "parameters": sum(sizes)
    }  # fmt: skip
    if model.neighbours:
        network["memory"] = {
            "crystals": model.neighbours.y.size, **model.neighbours.to_mapping()
        }  # fmt: skip
    card = {
        "format": FORMAT,
        "name": stated["name"],
        "version": stated["version"],
        "task": TASK,
        "intended_use": list(INTENDED_USE),
        "limits": list(LIMITS),
        "data": data,
        "space_groups": model.space_groups.tolist(),
        "network": network,
        "training": {"samples": seen, "radiations": list(model.radiations), **training},
        "conditions": model.conditions.to_mapping(),
        "box": model.trained_over.to_mapping(),
        "metrics": metrics,
        **calibrations,
        "hardware": stated["hardware"],
        "hours": stated["hours"],
        "licences": {"code": "BSD-3-Clause", "weights": "CC-BY-4.0"},
        "sha256": dict.fromkeys((*MODEL_FILES, "CARD.md", "card.json"), "0" * 64),
    }
    # As it will be read again: with lists for tuples, and no NaN.
    card = json.loads(_to_text(card))
    check_card(card, f"{stated['name']} {stated['version']}")
    card["limits"] += [_rarest(data), *_weakest(metrics["sweeps"])]
    if data["split"]["scheme"] == "random":
        card["limits"].append(SEEN_BEFORE)
    return card


def _rarest(data: Mapping[str, Any]) -> str:
    counts = {group: n["train"] for group, n in data["by_space_group"].items()}
    group = min(counts, key=lambda group: counts[group])
    return (
        f"Rare groups are known less well: of group {group} there were "
        f"{counts[group]:,} crystals to train on."
    )


def _weakest(sweeps: Mapping[str, Any]) -> list[str]:
    """Return where the top-6 accuracy is lowest, in words."""
    found = [
        (score["top6"], axis, value)
        for axis, scores in sweeps.items()
        for value, score in scores.items()
    ]
    if not found:
        return []
    top6, axis, value = min(found)
    return [
        f"Accuracy depends on the conditions. Of those measured, top-6 is lowest, "
        f"{top6:.1%}, at {axis} {QUANTITIES[axis].with_unit(value)}."
    ]


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Write CARD.md and card.json beside the two files of a model.

    card.json holds the hashes of the three other files and, last, that of its own
    text without this last hash.

    Parameters
    ----------
    folder
        The folder with the model's files.
    card
        The card, as `make_card` returns it.
    """
    hashes = hashes_of(folder)
    text = render({**card, "sha256": hashes})
    write_whole(folder / "CARD.md", text)
    hashes["CARD.md"] = sha256(folder / "CARD.md")
    hashes["card.json"] = _own_hash({**card, "sha256": hashes})
    write_whole(folder / "card.json", _to_text({**card, "sha256": hashes}))


def read_card(folder: Path) -> dict[str, Any]:
    """Return the card of a released model, checked against schema and own hash.

    Raises
    ------
    FileNotFoundError
        If there is no card.
    ValueError
        If it is not a card, or not as it was released.
    """
    path = folder / "card.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: there is no card; make one with 'gromega models release'."
        )
    try:
        card = json.loads(path.read_text("utf-8"))
        # Refuses NaN, which passes for a number.
        _to_text(card)
    except ValueError as error:
        raise ValueError(f"{path}: not a card ({error}).") from None
    check_card(card, str(path))
    if card["sha256"]["card.json"] != _own_hash(card):
        raise ValueError(
            f"{path}: the card is not as it was released; remove {folder}, and pull or "
            "release it again."
        )
    return card


def check_trained_with(folder: Path, files: Mapping[str, Path]) -> None:
    """Refuse a released model that was trained with other files than these.

    A split names crystals by their ids, which other crystals may have too, so both
    must be the same.

    Parameters
    ----------
    folder
        The folder of the released model.
    files
        What each file is, such as ``split``, and its path.

    Raises
    ------
    FileNotFoundError
        If there is no card.
    ValueError
        If the model was trained with another file, so that it may have learned from
        crystals that are to be tested on.
    """
    card = read_card(folder)
    for what, file in files.items():
        if card["data"]["sha256"][file.name] != sha256(file):
            raise ValueError(
                f"{folder} was trained with another {what} than {file}, and may have "
                "learned from crystals that are to be tested on; leave train.start "
                "empty."
            )


def check_card(card: object, origin: str) -> None:
    """Check a card against the schema.

    Parameters
    ----------
    card
        The card.
    origin
        Where it is from, for the error.

    Raises
    ------
    ValueError
        If it does not fit: where, and why.
    """
    schema = resources.files("gromega.registry") / "card.schema.json"
    validator = Draft202012Validator(json.loads(schema.read_text("utf-8")))
    error = best_match(validator.iter_errors(card))
    if error:
        reason = error.message
        if len(reason) > 200:
            reason = f"{reason[:90]} … {reason[-90:]}"
        raise ValueError(f"{origin}: not a card ({error.json_path}: {reason}).")


def _own_hash(card: Mapping[str, Any]) -> str:
    others = {name: h for name, h in card["sha256"].items() if name != "card.json"}
    return hashlib.sha256(_to_text({**card, "sha256": others}).encode()).hexdigest()


def _to_text(card: Mapping[str, Any]) -> str:
    return json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
